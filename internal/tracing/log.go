package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// The keys of log attributes. Temporal's SDK uses workflowKey, traceKey and spanKey.
const (
	callKey     = "call_id"
	workflowKey = "WorkflowID"
	traceKey    = "TraceID"
	spanKey     = "SpanID"
)

// Correlate returns a logger that adds the IDs of the current trace and span to its
// lines, and the CallId to lines with the workflow ID of a call. callID returns
// the CallId in a workflow ID, and false if it is not the workflow of a call.
func Correlate(logger *slog.Logger, callID func(workflowID string) (string, bool)) *slog.Logger {
	return slog.New(handler{Handler: logger.Handler(), callID: callID})
}

type handler struct {
	slog.Handler
	callID func(string) (string, bool)
	// hasTrace and hasCall report which attributes every line has through With.
	hasTrace, hasCall bool
}

// inspect records whether a is a trace ID or CallId. If it is the workflow ID of a
// call, it returns the attribute with the CallId that is to be added.
func (h *handler) inspect(a slog.Attr) (callIDAttr slog.Attr, ok bool) {
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
		if callIDAttr, ok := h.inspect(a); ok {
			add = append(add, callIDAttr)
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
		if callIDAttr, ok := h.inspect(a); ok {
			all = append(all[:len(all):len(all)], callIDAttr)
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
