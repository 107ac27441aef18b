package temporalclient

import (
	"context"
	"errors"
	"log/slog"

	"go.temporal.io/sdk/temporal"
)

// messageHider is a handler for clients that encrypt. Temporal's SDK logs every
// failure of an activity, whose message may be a text of Tencent's or a target's:
// it logs the type in its place. The message is in the workflow's history.
type messageHider struct{ slog.Handler }

// Handle implements slog.Handler.
func (h messageHider) Handle(ctx context.Context, r slog.Record) error {
	safe := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		safe.AddAttrs(hideMessage(a))
		return true
	})
	return h.Handler.Handle(ctx, safe)
}

// WithAttrs implements slog.Handler.
func (h messageHider) WithAttrs(attrs []slog.Attr) slog.Handler {
	safe := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		safe[i] = hideMessage(a)
	}
	return messageHider{h.Handler.WithAttrs(safe)}
}

// WithGroup implements slog.Handler.
func (h messageHider) WithGroup(name string) slog.Handler {
	return messageHider{h.Handler.WithGroup(name)}
}

func hideMessage(a slog.Attr) slog.Attr {
	var appErr *temporal.ApplicationError
	if err, ok := a.Value.Any().(error); ok && errors.As(err, &appErr) {
		return slog.String(a.Key, appErr.Type()+" (its message is encrypted, in the workflow's history)")
	}
	return a
}
