// Package tracing marks what a request leads to as spans of its trace (OpenTelemetry): load, decide, append, and later, linked by
// the trace context in the event's metadata, project.
//
// Whether there are spans at all is decided where a request comes in. Below, a span begins only within another that is recorded,
// so that without a collector a step costs one look into the context.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Name is that of the instrumentation.
const Name = "github.com/usersvc/usersvc"

// Step begins a span within that of ctx, if there is one. What it returns is to be called with the error that the step ended with.
func Step(ctx context.Context, name string) (context.Context, func(error)) {
	outer := trace.SpanFromContext(ctx)
	if !outer.IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := outer.TracerProvider().Tracer(Name).Start(ctx, name)
	return ctx, func(err error) { End(span, err) }
}

// End ends a span, which has failed if there is an error. Its text stays in the log: it may be about a person.
func End(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

var w3c propagation.TraceContext

// Within returns ctx as a part of the trace of a traceparent (W3C Trace Context), and whether the trace is recorded.
func Within(ctx context.Context, traceparent string) (context.Context, bool) {
	ctx = w3c.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
	return ctx, trace.SpanContextFromContext(ctx).IsSampled()
}

// Traceparent is that of the span of ctx; empty if it is in none.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier["traceparent"]
}
