package callback

import (
	"context"
	"net/http"
	"time"

	"aftercall/internal/dedupe"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// handleEndedCall starts the workflow of an ended call exactly once: claim the
// call in Redis, start, confirm.
//
// Only Known saves asking Temporal. The claim of another callback may have been
// left by a start that failed or a process that died, so the workflow ID decides.
func (h *Handler) handleEndedCall(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, _ []byte) reply {
	fingerprint, err := cb.Record.Fingerprint()
	if err != nil {
		return refuse(http.StatusBadRequest, "CallRecord: "+err.Error())
	}
	claim := h.claims.Claim(ctx, app.ID, cb.CallID, fingerprint)
	if claim.Outcome == dedupe.Known {
		return h.duplicate(ctx, app, cb.CallID, fingerprint, claim.Fingerprint)
	}
	return h.startAfterCall(ctx, deadline, app, cb, fingerprint, claim)
}

func (h *Handler) startAfterCall(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, fingerprint string, claim dedupe.Claim) reply {
	logger := h.logger.With("app", app.Name, "call_id", cb.CallID, "WorkflowID", workflows.AfterCallID(app.ID, cb.CallID))
	startCtx, cancel := context.WithDeadline(ctx, deadline.Add(-confirmBudget))
	defer cancel()
	already, err := h.workflows.Start(startCtx, workflows.AfterCallParams{
		SDKAppID:       app.ID,
		App:            app.Name,
		CallID:         cb.CallID,
		Source:         workflows.SourceCallback,
		Callback:       &cb.Record,
		EndedAt:        cb.EndedAt(),
		RecordDeadline: app.RecordDeadline,
	}, fingerprint)
	if err != nil {
		// The claim stays until it expires. It stops no other callback of the
		// call, so the next one starts the workflow.
		logger.WarnContext(ctx, "callback rejected with 503: the workflow could not be started", "error", err)
		return unavailable()
	}
	if !already {
		h.claims.Confirm(ctx, claim, fingerprint)
		logger.InfoContext(ctx, "call accepted", "redis", claim.Outcome)
		return ok200(outcomeStarted)
	}
	first := h.firstFingerprint(startCtx, app, cb.CallID, claim, fingerprint)
	h.claims.Confirm(ctx, claim, first)
	return h.duplicate(ctx, app, cb.CallID, fingerprint, first)
}

// firstFingerprint is that of the callback that started the workflow: from the
// claim that it holds in Redis, or from the workflow's memo if Redis has
// forgotten it.
func (h *Handler) firstFingerprint(ctx context.Context, app App, callID string, claim dedupe.Claim, own string) string {
	if claim.Outcome == dedupe.Held {
		return claim.Fingerprint
	}
	first, err := h.workflows.FirstFingerprint(ctx, app.ID, callID)
	if err != nil {
		h.logger.WarnContext(ctx, "a duplicate callback could not be compared with the first one",
			"app", app.Name, "call_id", callID, "error", err)
	}
	if first == "" { // unknown, or started by a sweep
		return own
	}
	return first
}

// duplicate answers a callback of a call that was started before. One that
// differs from the first changes no charge, because the call record decides.
// It is reported because Tencent repeats callbacks unchanged: someone else
// may have sent it.
func (h *Handler) duplicate(ctx context.Context, app App, callID, fingerprint, first string) reply {
	if fingerprint != first {
		h.metrics.conflicts.WithLabelValues(app.Name).Inc()
		h.logger.WarnContext(ctx, "conflict: a duplicate callback differs from the first one; the call record decides",
			"app", app.Name, "call_id", callID)
	}
	return ok200(outcomeDuplicate)
}
