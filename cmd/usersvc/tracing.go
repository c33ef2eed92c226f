package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/tracing"
)

// traces sends spans to a collector, as the standard variables of OpenTelemetry say; nil: nobody asked for it.
type traces struct {
	provider *sdktrace.TracerProvider
	log      *eventstore.Log
	moved    chan outbox.Batch
}

// Without an address there is no collector. That of the standard, port 4318 of this machine, has to be given, too.
func tracesAreWanted() bool {
	return (os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "") &&
		os.Getenv("OTEL_TRACES_EXPORTER") != "none" && os.Getenv("OTEL_SDK_DISABLED") != "true"
}

func openTraces(ctx context.Context, log *eventstore.Log, logger zerolog.Logger) (*traces, error) {
	if !tracesAreWanted() {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
			return nil, fmt.Errorf("%s is %s; traces are sent by http/protobuf alone", name, protocol)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	of, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", "usersvc"), attribute.String("service.version", version())), resource.Environment())
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn().Err(err).Msg("traces could not be sent") }))
	return &traces{
		provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(of)),
		log:      log, moved: make(chan outbox.Batch, movedAtOnce),
	}, nil
}

// tracer is nil when there are no traces.
func (t *traces) tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer(tracing.Name)
}

// So many batches wait to be told about. More are left out, rather than hold the relay up.
const movedAtOnce = 100

// handled is told of each batch of the relay.
func (t *traces) handled(b outbox.Batch) {
	if t == nil {
		return
	}
	select {
	case t.moved <- b:
	default:
	}
}

// follow makes a span of each event that was handled and that belongs to a trace, until ctx ends.
func (t *traces) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-t.moved:
			t.project(ctx, b)
		}
	}
}

func (t *traces) project(ctx context.Context, b outbox.Batch) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	found, err := t.log.Scan(ctx, b.After, eventstore.Filter{}, int(b.Through-b.After))
	if err != nil {
		return // a trace that lacks a span harms nobody
	}
	for _, e := range found.Events {
		if within, sampled := tracing.Within(context.Background(), e.Metadata.Traceparent); sampled {
			_, span := t.tracer().Start(within, "project "+b.Subscription, trace.WithTimestamp(b.Began), trace.WithSpanKind(trace.SpanKindConsumer),
				trace.WithAttributes(attribute.String("usersvc.event.type", e.Type), attribute.Int64("usersvc.event.position", e.Position)))
			span.End(trace.WithTimestamp(b.Ended))
		}
	}
}

// close sends what has not been sent.
func (t *traces) close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
