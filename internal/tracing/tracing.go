// Package tracing makes OpenTelemetry traces of calls, if the environment asks
// for them: nothing is wrapped and nothing costs anything unless it does.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
	temporalotel "go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// flushTimeout bounds how long the last spans may take at the end of a process.
const flushTimeout = 5 * time.Second

// Tracing records spans and sends them off. Nil records none.
type Tracing struct {
	provider *sdktrace.TracerProvider
	logger   *slog.Logger
}

// on reports whether one of the standard variables asks for traces. Without
// any, OpenTelemetry would send them to a collector on this machine.
func on(environ map[string]string) bool {
	switch exporter := environ["OTEL_TRACES_EXPORTER"]; {
	case environ["OTEL_SDK_DISABLED"] == "true" || exporter == "none":
		return false
	case exporter != "":
		return true
	}
	return environ["OTEL_EXPORTER_OTLP_ENDPOINT"] != "" || environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] != ""
}

// Start begins to trace if environ asks for it, and returns nil if not. The
// exporter and its settings come from the process's own OTEL_* variables;
// service is the name unless OTEL_SERVICE_NAME gives another. Stop it at the end.
func Start(ctx context.Context, environ map[string]string, service string, logger *slog.Logger) (*Tracing, error) {
	if !on(environ) {
		return nil, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w: see the OTEL_* variables, or set OTEL_TRACES_EXPORTER=none", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName(service)), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces are not sent", "error", err) }))
	return newTracing(about, exporter, logger), nil
}

func newTracing(about *resource.Resource, exporter sdktrace.SpanExporter, logger *slog.Logger) *Tracing {
	return &Tracing{logger: logger, provider: sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithSpanProcessor(callIDs{}), sdktrace.WithBatcher(discreet{exporter}),
	)}
}

// Stop sends what was recorded and not yet sent.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.logger.Warn("the last traces are not sent", "error", err)
	}
}

// nowhere neither sends the ID of a trace to others nor takes one from them:
// neither Tencent nor a receiver of notifications has a part in our traces, and
// a sender on the internet must not choose its trace.
var nowhere = otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator())

// Handler makes every request to h the beginning of a trace.
func (t *Tracing) Handler(name string, h http.Handler) http.Handler {
	if t == nil {
		return h
	}
	return otelhttp.NewHandler(h, name, nowhere, otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithSpanNameFormatter(func(name string, _ *http.Request) string { return name }))
}

// HTTP makes a client's requests spans named name, where they are part of a trace.
func (t *Tracing) HTTP(name string, c *http.Client) *http.Client {
	if t == nil {
		return c
	}
	traced := *c
	traced.Transport = otelhttp.NewTransport(
		c.Transport, nowhere, otelhttp.WithTracerProvider(t.Parts()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return name + " " + r.Method }),
	)
	return &traced
}

// Redis makes commands spans, where they are part of a trace.
func (t *Tracing) Redis(rdb redis.UniversalClient) error {
	if t == nil {
		return nil
	}
	return redisotel.InstrumentTracing(rdb, redisotel.WithTracerProvider(parts{t.provider, "redis "}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true))
}

// Temporal are the interceptors of a client, and of its workers, that carry a
// trace through workflows and activities.
func (t *Tracing) Temporal() ([]interceptor.ClientInterceptor, error) {
	if t == nil {
		return nil, nil
	}
	i, err := temporalotel.NewTracingInterceptor(temporalotel.TracerOptions{
		Tracer: t.provider.Tracer("aftercall"), DisableQueryTracing: true, AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nil, fmt.Errorf("traces of Temporal: %w", err)
	}
	return []interceptor.ClientInterceptor{i}, nil
}

// Parts records spans that are part of a trace and none that would be a trace
// of their own, such as those of health checks. It is nil if nothing is traced.
func (t *Tracing) Parts() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return parts{TracerProvider: t.provider}
}

// parts puts prefix before the names of spans.
type parts struct {
	trace.TracerProvider
	prefix string
}

// Tracer implements trace.TracerProvider.
func (p parts) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return partTracer{p.TracerProvider.Tracer(name, options...), p.prefix}
}

type partTracer struct {
	trace.Tracer
	prefix string
}

// Start implements trace.Tracer.
func (t partTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if span := trace.SpanFromContext(ctx); !span.SpanContext().IsValid() {
		return ctx, span // records nothing
	}
	return t.Tracer.Start(ctx, t.prefix+name, options...)
}
