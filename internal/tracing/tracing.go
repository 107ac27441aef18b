// Package tracing records OpenTelemetry traces of calls if environment variables
// enable them. Otherwise it wraps nothing and costs nothing.
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

// flushTimeout limits the export of the last spans when a process stops.
const flushTimeout = 5 * time.Second

// Tracing records spans and exports them. A nil *Tracing records none.
type Tracing struct {
	provider *sdktrace.TracerProvider
	logger   *slog.Logger
}

// enabled reports whether one of OpenTelemetry's standard variables enables traces.
// If none is set, OpenTelemetry itself would export to a collector on localhost.
func enabled(environ map[string]string) bool {
	switch exporter := environ["OTEL_TRACES_EXPORTER"]; {
	case environ["OTEL_SDK_DISABLED"] == "true" || exporter == "none":
		return false
	case exporter != "":
		return true
	}
	return environ["OTEL_EXPORTER_OTLP_ENDPOINT"] != "" || environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] != ""
}

// Start returns a Tracing if environ enables traces, and nil if not. The exporter
// reads its settings from the OTEL_* variables of the process. service is the name
// of the service unless OTEL_SERVICE_NAME is set. The caller must call Stop.
func Start(ctx context.Context, environ map[string]string, service string, logger *slog.Logger) (*Tracing, error) {
	if !enabled(environ) {
		return nil, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w: see the OTEL_* variables, or set OTEL_TRACES_EXPORTER=none", err)
	}
	res, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName(service)), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("cannot export traces", "error", err) }))
	return newTracing(res, exporter, logger), nil
}

func newTracing(res *resource.Resource, exporter sdktrace.SpanExporter, logger *slog.Logger) *Tracing {
	return &Tracing{logger: logger, provider: sdktrace.NewTracerProvider(
		sdktrace.WithResource(res), sdktrace.WithSpanProcessor(callIDProcessor{}), sdktrace.WithBatcher(redactingExporter{exporter}),
	)}
}

// Stop exports the spans that were recorded and not exported yet.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.logger.Warn("cannot export the last traces", "error", err)
	}
}

// noPropagation neither sends trace IDs in requests nor accepts them: Tencent and
// the receivers of notifications are not part of the traces, and senders on the
// internet must not choose the trace of their request.
var noPropagation = otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator())

// Handler returns h such that every request starts a trace.
func (t *Tracing) Handler(name string, h http.Handler) http.Handler {
	if t == nil {
		return h
	}
	return otelhttp.NewHandler(h, name, noPropagation, otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithSpanNameFormatter(func(name string, _ *http.Request) string { return name }))
}

// HTTPClient returns c such that requests within a trace become spans named name.
func (t *Tracing) HTTPClient(name string, c *http.Client) *http.Client {
	if t == nil {
		return c
	}
	traced := *c
	traced.Transport = otelhttp.NewTransport(
		c.Transport, noPropagation, otelhttp.WithTracerProvider(t.ChildSpans()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return name + " " + r.Method }),
	)
	return &traced
}

// InstrumentRedis makes spans of commands within a trace.
func (t *Tracing) InstrumentRedis(rdb redis.UniversalClient) error {
	if t == nil {
		return nil
	}
	return redisotel.InstrumentTracing(rdb, redisotel.WithTracerProvider(childProvider{t.provider, "redis "}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true))
}

// TemporalInterceptors returns the interceptors for a client and its workers that
// continue traces in workflows and activities.
func (t *Tracing) TemporalInterceptors() ([]interceptor.ClientInterceptor, error) {
	if t == nil {
		return nil, nil
	}
	i, err := temporalotel.NewTracingInterceptor(temporalotel.TracerOptions{
		Tracer: t.provider.Tracer("aftercall"), DisableQueryTracing: true, AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nil, fmt.Errorf("tracing interceptor of Temporal: %w", err)
	}
	return []interceptor.ClientInterceptor{i}, nil
}

// ChildSpans returns a provider that records spans within a trace but starts no
// traces, for example for health checks. It is nil if traces are disabled.
func (t *Tracing) ChildSpans() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return childProvider{TracerProvider: t.provider}
}

// childProvider records spans within a trace only, and puts prefix before their
// names.
type childProvider struct {
	trace.TracerProvider
	prefix string
}

// Tracer implements trace.TracerProvider.
func (p childProvider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return childTracer{p.TracerProvider.Tracer(name, options...), p.prefix}
}

type childTracer struct {
	trace.Tracer
	prefix string
}

// Start implements trace.Tracer.
func (t childTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if span := trace.SpanFromContext(ctx); !span.SpanContext().IsValid() {
		return ctx, span // a span that records nothing
	}
	return t.Tracer.Start(ctx, t.prefix+name, options...)
}
