package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// AttributeCallID is on every span of a call.
const AttributeCallID = attribute.Key("aftercall.call_id")

// baggageCallID carries the CallId along a trace. No baggage leaves for others.
const baggageCallID = "call_id"

// WithCall says that ctx is about a call from here on. Outside of a trace, and
// without a CallId, it does nothing.
func WithCall(ctx context.Context, callID string) context.Context {
	span := trace.SpanFromContext(ctx)
	if callID == "" || !span.SpanContext().IsValid() {
		return ctx
	}
	span.SetAttributes(AttributeCallID.String(callID))
	member, err := baggage.NewMemberRaw(baggageCallID, callID)
	if err != nil {
		return ctx // not UTF-8: its spans go without
	}
	bag, err := baggage.New(member)
	if err != nil {
		return ctx
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

// callIDs puts the CallId on every span that begins.
type callIDs struct{}

// OnStart implements sdktrace.SpanProcessor.
func (callIDs) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if id := baggage.FromContext(parent).Member(baggageCallID).Value(); id != "" {
		s.SetAttributes(AttributeCallID.String(id))
	}
}

// OnEnd implements sdktrace.SpanProcessor.
func (callIDs) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown implements sdktrace.SpanProcessor.
func (callIDs) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (callIDs) ForceFlush(context.Context) error { return nil }

// discreet leaves out what may hold a secret: the callback's path and query,
// Tencent's query with its UserSig, the addresses of chat targets.
type discreet struct{ sdktrace.SpanExporter }

// ExportSpans implements sdktrace.SpanExporter.
func (d discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	told := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		told[i] = toldSpan{s}
	}
	return d.SpanExporter.ExportSpans(ctx, told)
}

type toldSpan struct{ sdktrace.ReadOnlySpan }

// Attributes implements sdktrace.ReadOnlySpan.
func (s toldSpan) Attributes() []attribute.KeyValue {
	all := s.ReadOnlySpan.Attributes()
	told := make([]attribute.KeyValue, 0, len(all))
	for _, a := range all {
		switch a.Key {
		case "url.full", "url.path", "url.query", "http.url", "http.target":
		default:
			told = append(told, a)
		}
	}
	return told
}
