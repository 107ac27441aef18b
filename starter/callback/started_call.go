package callback

import (
	"context"
	"time"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// handleStartedCall keeps who was called, and in which room. D:68941
func (h *Handler) handleStartedCall(ctx context.Context, deadline time.Time, app App, _ tencent.Callback, body []byte) reply {
	started, err := tencent.DecodeCallStart(body)
	return h.keep(ctx, deadline, app, evidence.FromCallStart(app.ID, started), err)
}
