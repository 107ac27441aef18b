package tracing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newTest returns a Tracing and a function that stops it and returns its spans.
func newTest(t *testing.T) (*Tracing, func() tracetest.SpanStubs) {
	t.Helper()
	var exporter memoryExporter
	tracing := newTracing(resource.Default(), &exporter, quiet())
	return tracing, func() tracetest.SpanStubs {
		tracing.Stop(t.Context())
		return exporter.spans
	}
}

// memoryExporter keeps its spans after Shutdown, unlike that of tracetest.
type memoryExporter struct{ spans tracetest.SpanStubs }

func (m *memoryExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		stub := tracetest.SpanStubFromReadOnlySpan(s)
		m.spans = append(m.spans, stub)
	}
	return nil
}

func (m *memoryExporter) Shutdown(context.Context) error { return nil }

func TestDisabledByDefault(t *testing.T) {
	for asks, environ := range map[string]map[string]string{
		"no":                                {},
		"no ":                               {"OTEL_SERVICE_NAME": "x"},
		"no, although there is an endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"},
		"no, it is disabled":                {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"},
		"yes, endpoint":                     {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
		"yes, endpoint of traces":           {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"},
		"yes, exporter":                     {"OTEL_TRACES_EXPORTER": "otlp"},
	} {
		require.Equal(t, strings.HasPrefix(asks, "yes"), enabled(environ), asks)
	}
	off, err := Start(t.Context(), nil, "service", quiet())
	require.NoError(t, err)
	require.Nil(t, off)
	h, c := http.NewServeMux(), &http.Client{}
	require.Same(t, h, off.Handler("x", h), "nothing is wrapped")
	require.Same(t, c, off.HTTPClient("x", c), "nothing is wrapped")
	require.Nil(t, off.ChildSpans())
	require.NoError(t, off.InstrumentRedis(nil))
	interceptors, err := off.TemporalInterceptors()
	require.NoError(t, err)
	require.Empty(t, interceptors)
	off.Stop(t.Context())
	require.Equal(t, t.Context(), WithCall(t.Context(), "call-1"), "no baggage without a trace")
}

func TestBadExporter(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "carrier-pigeon")
	_, err := Start(t.Context(), map[string]string{"OTEL_TRACES_EXPORTER": "carrier-pigeon"}, "service", quiet())
	require.ErrorContains(t, err, "OTEL_TRACES_EXPORTER")
}

// TestNoSecretsInSpans sends a request through Handler and HTTPClient with secrets
// in the places where Tencent and chat targets have them.
func TestNoSecretsInSpans(t *testing.T) {
	tracing, spans := newTest(t)
	var seen http.Header
	server := httptest.NewServer(tracing.Handler("callback", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)), "deadlines work as without traces")
		ctx := WithCall(r.Context(), "call-1")
		out, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.Host+"/hooks/secret?usersig=secret", nil)
		require.NoError(t, err)
		resp, err := tracing.HTTPClient("deliver", &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			seen = r.Header
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		})}).Do(out)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/tencent/call/secret?Sign=secret", nil)
	require.NoError(t, err)
	const foreign = "4bf92f3577b34da6a3ce929d0e0e4736"
	req.Header.Set("traceparent", "00-"+foreign+"-00f067aa0ba902b7-01")
	req.Header.Set("baggage", "call_id=forged")
	resp, err := server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	all := spans()
	require.Len(t, all, 2)
	require.Equal(t, all[0].SpanContext.TraceID(), all[1].SpanContext.TraceID())
	text, err := json.Marshal(all)
	require.NoError(t, err)
	for _, s := range all {
		require.Contains(t, s.Attributes, AttributeCallID.String("call-1"), s.Name)
		require.NotEqual(t, foreign, s.SpanContext.TraceID().String(), "senders cannot choose the trace")
	}
	require.NotContains(t, string(text), "secret")
	require.NotContains(t, string(text), "forged")
	require.Empty(t, seen.Get("traceparent"), "trace IDs are not sent")
	require.Empty(t, seen.Get("baggage"))
}

// TestNoSecretsInFailures: an error quotes what the peer sent, which may be the request.
func TestNoSecretsInFailures(t *testing.T) {
	tracing, spans := newTest(t)
	ctx, root := tracing.provider.Tracer("x").Start(t.Context(), "root")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://calls.example.com/?usersig=secret", nil)
	require.NoError(t, err)
	_, err = tracing.HTTPClient("record API", &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("malformed HTTP status code " + r.URL.RequestURI())
	})}).Do(req)
	require.Error(t, err)
	root.End()
	all := spans()
	require.Len(t, all, 2)
	require.Equal(t, codes.Error, all[0].Status.Code)
	text, err := json.Marshal(all)
	require.NoError(t, err)
	require.NotContains(t, string(text), "secret")
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestChildSpans(t *testing.T) {
	tracing, spans := newTest(t)
	_, alone := tracing.ChildSpans().Tracer("x").Start(t.Context(), "alone")
	alone.End()
	ctx, root := tracing.provider.Tracer("x").Start(t.Context(), "root")
	_, part := tracing.ChildSpans().Tracer("x").Start(ctx, "part")
	part.End()
	root.End()
	all := spans()
	require.Len(t, all, 2)
	require.Equal(t, "part", all[0].Name)
	require.Equal(t, root.SpanContext().SpanID(), all[0].Parent.SpanID())
}

func TestCallIDWithSpecialCharacters(t *testing.T) {
	tracing, spans := newTest(t)
	for _, id := range []string{`a,b;c="d" é%20`, "\xff\xfe"} {
		ctx, span := tracing.provider.Tracer("x").Start(t.Context(), "root")
		_, child := tracing.provider.Tracer("x").Start(WithCall(ctx, id), "child")
		child.End()
		span.End()
	}
	all := spans()
	require.Len(t, all, 4)
	require.Contains(t, all[0].Attributes, AttributeCallID.String(`a,b;c="d" é%20`))
	require.Empty(t, all[2].Attributes, "baggage must be UTF-8")
}

func TestCorrelate(t *testing.T) {
	var out bytes.Buffer
	logger := Correlate(slog.New(slog.NewJSONHandler(&out, nil)), func(workflowID string) (string, bool) {
		return strings.CutPrefix(workflowID, "call:1:")
	})
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	for _, c := range []struct {
		log         func()
		trace, call any
	}{
		{func() { logger.InfoContext(ctx, "x") }, "01000000000000000000000000000000", nil},
		{func() { logger.Info("x") }, nil, nil},
		{func() { logger.With("WorkflowID", "call:1:abc").Info("x") }, nil, "abc"},
		{func() { logger.Info("x", "WorkflowID", "call:1:abc") }, nil, "abc"},
		{func() { logger.Info("x", "WorkflowID", "call:1:abc", "call_id", "own") }, nil, "own"},
		{func() { logger.With("call_id", "own").Info("x", "WorkflowID", "call:1:abc") }, nil, "own"},
		{func() { logger.With("WorkflowID", "sweep:1").Info("x") }, nil, nil},
		{func() { logger.With("TraceID", "its own", "WorkflowID", "call:1:abc").InfoContext(ctx, "x") }, "its own", "abc"},
	} {
		out.Reset()
		c.log()
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		require.Equal(t, c.trace, line["TraceID"])
		require.Equal(t, c.call, line["call_id"])
	}
	out.Reset()
	logger.With("call_id", "own").Info("x", "WorkflowID", "call:1:abc")
	require.Equal(t, 1, strings.Count(out.String(), "call_id"))
}
