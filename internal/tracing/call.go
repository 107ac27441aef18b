package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
)

// AttributeCallID is the attribute of all spans of a call that holds its CallId.
const AttributeCallID = attribute.Key("aftercall.call_id")

// baggageCallID is the baggage member that carries the CallId from span to span.
// Baggage is not sent to other systems.
const baggageCallID = "call_id"

// WithCall returns a context in which all spans have the CallId. It returns ctx
// outside of a trace or without a CallId.
func WithCall(ctx context.Context, callID string) context.Context {
	span := trace.SpanFromContext(ctx)
	if callID == "" || !span.SpanContext().IsValid() {
		return ctx
	}
	span.SetAttributes(AttributeCallID.String(callID))
	member, err := baggage.NewMemberRaw(baggageCallID, callID)
	if err != nil {
		return ctx // not UTF-8: only the current span has it
	}
	bag, err := baggage.New(member)
	if err != nil {
		return ctx
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

// callIDProcessor adds the CallId in the baggage to every span that starts.
type callIDProcessor struct{}

// OnStart implements sdktrace.SpanProcessor.
func (callIDProcessor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if id := baggage.FromContext(parent).Member(baggageCallID).Value(); id != "" {
		s.SetAttributes(AttributeCallID.String(id))
	}
}

// OnEnd implements sdktrace.SpanProcessor.
func (callIDProcessor) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown implements sdktrace.SpanProcessor.
func (callIDProcessor) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (callIDProcessor) ForceFlush(context.Context) error { return nil }

// redactingExporter removes what can contain secrets: path and query of callbacks, the
// query of requests to Tencent with its UserSig, the URLs of chat targets, and the
// errors of requests, which quote what a peer has sent.
type redactingExporter struct{ sdktrace.SpanExporter }

// ExportSpans implements sdktrace.SpanExporter.
func (e redactingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	redacted := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		redacted[i] = redactedSpan{s}
	}
	return e.SpanExporter.ExportSpans(ctx, redacted)
}

type redactedSpan struct{ sdktrace.ReadOnlySpan }

// Attributes implements sdktrace.ReadOnlySpan.
func (s redactedSpan) Attributes() []attribute.KeyValue {
	all := s.ReadOnlySpan.Attributes()
	kept := make([]attribute.KeyValue, 0, len(all))
	for _, a := range all {
		switch a.Key {
		case "url.full", "url.path", "url.query", "http.url", "http.target":
		default:
			kept = append(kept, a)
		}
	}
	return kept
}

// Status implements sdktrace.ReadOnlySpan. What kind of error it was is an attribute,
// and the log has its text.
func (s redactedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	for _, a := range s.ReadOnlySpan.Attributes() {
		if a.Key == semconv.HTTPRequestMethodKey {
			status.Description = ""
		}
	}
	return status
}
