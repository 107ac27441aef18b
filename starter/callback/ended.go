package callback

import (
	"context"
	"net/http"

	"aftercall/internal/dedupe"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// ended handles the callback of an ended call: claim, start, confirm.
//
// Only Known spares Temporal: a claim held by another delivery may be that of
// a process that died before its start, so the workflow ID decides.
func (h *Handler) ended(ctx context.Context, app App, cb tencent.Callback) reply {
	fingerprint, err := cb.Record.Fingerprint()
	if err != nil {
		return refuse(http.StatusBadRequest, "CallRecord: "+err.Error())
	}
	claim := h.gate.Claim(ctx, app.ID, cb.CallID, fingerprint)
	if claim.Outcome == dedupe.Known {
		return h.duplicate(ctx, app, cb.CallID, fingerprint, claim.Fingerprint)
	}
	return h.start(ctx, app, cb, fingerprint, claim)
}

func (h *Handler) start(ctx context.Context, app App, cb tencent.Callback, fingerprint string, claim dedupe.Claim) reply {
	logger := h.logger.With("app", app.Name, "call_id", cb.CallID, "WorkflowID", workflows.AfterCallID(app.ID, cb.CallID))
	startCtx, cancel := context.WithTimeout(ctx, startBudget)
	defer cancel()
	already, err := h.calls.Start(startCtx, workflows.AfterCallParams{
		SDKAppID:       app.ID,
		App:            app.Name,
		CallID:         cb.CallID,
		Source:         workflows.SourceCallback,
		Callback:       &cb.Record,
		EndedAt:        cb.EndedAt(),
		RecordDeadline: app.RecordDeadline,
	}, fingerprint)
	if err != nil {
		h.gate.Release(ctx, claim)
		logger.WarnContext(ctx, "callback not accepted: the workflow could not be started", "error", err)
		return unavailable()
	}
	if !already {
		h.gate.Confirm(ctx, claim, fingerprint)
		logger.InfoContext(ctx, "call accepted", "redis", claim.Outcome)
		return ok200(outcomeStarted)
	}
	first := h.firstFingerprint(startCtx, app, cb.CallID, claim, fingerprint)
	h.gate.Confirm(ctx, claim, first)
	return h.duplicate(ctx, app, cb.CallID, fingerprint, first)
}

// firstFingerprint finds out what the delivery that started the workflow said.
// A held claim tells; where Redis has forgotten, the workflow's memo does.
func (h *Handler) firstFingerprint(ctx context.Context, app App, callID string, claim dedupe.Claim, own string) string {
	if claim.Outcome == dedupe.Held {
		return claim.Fingerprint
	}
	first, err := h.calls.FirstFingerprint(ctx, app.ID, callID)
	if err != nil {
		h.logger.WarnContext(ctx, "a repeated callback could not be compared with the first one",
			"app", app.Name, "call_id", callID, "error", err)
	}
	if first == "" { // unknown, or not started by a callback
		return own
	}
	return first
}

// duplicate answers a delivery of a call that was started before. One that
// says something else than the first is worth a look: it is never charged, as
// no callback is, but somebody is sending what Tencent did not say before.
func (h *Handler) duplicate(ctx context.Context, app App, callID, fingerprint, first string) reply {
	if fingerprint != first {
		h.metrics.conflicts.WithLabelValues(app.Name).Inc()
		h.logger.WarnContext(ctx, "conflict: a repeated callback differs from the first one; the call record decides",
			"app", app.Name, "call_id", callID)
	}
	return ok200(outcomeDuplicate)
}
