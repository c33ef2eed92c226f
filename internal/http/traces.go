package httpapi

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/usersvc/usersvc/internal/tracing"
)

// traced begins the span of a request, within that of the caller, if requests are traced. What it returns is to be told how
// that ended: the route, or "" for none, and the status.
func (a *api) traced(r *http.Request) (context.Context, func(route string, status int)) {
	if a.tracer == nil {
		return r.Context(), func(string, int) {}
	}
	within, _ := tracing.Within(r.Context(), traceparent(r.Header))
	ctx, span := a.tracer.Start(within, r.Method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", r.Method)))
	return ctx, func(route string, status int) {
		if route != "" {
			span.SetName(r.Method + " " + route)
			span.SetAttributes(attribute.String("http.route", route))
		}
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// traceOf is the trace context that the events of a request get: that of its span, or else the caller's.
func traceOf(r *http.Request) string {
	if own := tracing.Traceparent(r.Context()); own != "" {
		return own
	}
	return traceparent(r.Header)
}

// traceID is the part of it that a log is searched by.
func traceID(r *http.Request) string {
	const version, id = len("00-"), 32
	if t := traceOf(r); t != "" {
		return t[version : version+id]
	}
	return ""
}
