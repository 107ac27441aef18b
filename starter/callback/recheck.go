package callback

import (
	"context"
	"time"
)

// recheckBudget bounds the look for a review that a callback may end.
const recheckBudget = 10 * time.Second

// recheck makes a call that is in review only because Tencent had no record look
// for the record again. The answer does not wait for it: if it fails, the sweep
// does the same when it lists the call.
func (h *Handler) recheck(ctx context.Context, app App, callID string) {
	select {
	case h.relaySlots <- struct{}{}:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recheckBudget)
	h.relays.Go(func() {
		defer cancel()
		err := h.workflows.Recheck(ctx, app.ID, callID)
		<-h.relaySlots
		if err != nil {
			h.logger.WarnContext(ctx, "a later callback could not make its call look for the record again", "app", app.Name, "call_id", callID, "error", err)
		}
	})
}
