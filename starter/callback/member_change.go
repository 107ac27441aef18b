package callback

import (
	"context"
	"time"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// handleMemberChange keeps who joined a call or left it. D:69215
func (h *Handler) handleMemberChange(ctx context.Context, deadline time.Time, app App, _ tencent.Callback, body []byte) reply {
	change, err := tencent.DecodeMemberChange(body)
	return h.keep(ctx, deadline, app, evidence.FromMemberChange(app.ID, change), err)
}
