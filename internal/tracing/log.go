package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// The keys of log lines about a call. workflowKey, traceKey and spanKey are
// those of Temporal's SDK.
const (
	callKey     = "call_id"
	workflowKey = "WorkflowID"
	traceKey    = "TraceID"
	spanKey     = "SpanID"
)

// Correlate returns a logger whose lines carry the trace they belong to, if
// there is one, and the CallId where they carry a call's workflow ID: callID
// finds it there, or says that there is none.
func Correlate(logger *slog.Logger, callID func(workflowID string) (string, bool)) *slog.Logger {
	return slog.New(handler{Handler: logger.Handler(), callID: callID})
}

type handler struct {
	slog.Handler
	callID func(string) (string, bool)
	// hasTrace and hasCall say what With has put on every line.
	hasTrace, hasCall bool
}

// see notes an attribute, and returns the CallId that belongs beside it.
func (h *handler) see(a slog.Attr) (beside slog.Attr, ok bool) {
	switch a.Key {
	case traceKey:
		h.hasTrace = true
	case callKey:
		h.hasCall = true
	case workflowKey:
		if id, found := h.callID(a.Value.String()); found && !h.hasCall {
			h.hasCall = true
			return slog.String(callKey, id), true
		}
	}
	return slog.Attr{}, false
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		h.hasCall = h.hasCall || a.Key == callKey
		return true
	})
	var add []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		if beside, ok := h.see(a); ok {
			add = append(add, beside)
		}
		return true
	})
	if span := trace.SpanContextFromContext(ctx); span.IsValid() && !h.hasTrace {
		add = append(add, slog.String(traceKey, span.TraceID().String()), slog.String(spanKey, span.SpanID().String()))
	}
	if len(add) > 0 {
		r = r.Clone()
		r.AddAttrs(add...)
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := attrs
	for _, a := range attrs {
		if beside, ok := h.see(a); ok {
			all = append(all[:len(all):len(all)], beside)
		}
	}
	h.Handler = h.Handler.WithAttrs(all)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
