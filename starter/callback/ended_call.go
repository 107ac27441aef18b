package callback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
	"aftercall/internal/temporalclient"
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
	claim := h.claim(ctx, deadline, app, cb, fingerprint)
	if claim.Outcome == dedupe.Known {
		h.unaccepted.accepted(claim.Key)
		return h.duplicate(ctx, app, cb.CallID, fingerprint, claim.Fingerprint)
	}
	return h.startAfterCall(ctx, deadline, app, cb, fingerprint, claim)
}

// claim claims the call in Redis. Where reading the body has left little time, it
// waits no longer than the answer may take, and while no workflow can be started, not
// for a connection: then only a duplicate would profit from it.
func (h *Handler) claim(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, fingerprint string) dedupe.Claim {
	if deadline = deadline.Add(-confirmBudget); time.Until(deadline) < redisBudget {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	if h.starting[app.ID].Full(patience(deadline)) {
		ctx = redisguard.AtOnce(ctx)
	}
	return h.claims.Claim(ctx, app.ID, cb.CallID, fingerprint)
}

// startAfterCall starts the workflow. Callbacks of one call that arrive at once
// share a start. Each waits for as long as its own deadline permits, and tries
// itself if the start of another one failed.
func (h *Handler) startAfterCall(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, fingerprint string, claim dedupe.Claim) reply {
	startBy := deadline.Add(-confirmBudget)
	if claim.Outcome != dedupe.Held && h.starting[app.ID].Full(patience(startBy)) {
		return h.busy(ctx, app, cb, claim)
	}
	startCtx, cancel := context.WithDeadline(ctx, startBy)
	defer cancel()
	for {
		own := false
		result := h.starts.DoChan(claim.Key, func() (any, error) {
			own = true
			return h.start(startCtx, startBy, app, cb, fingerprint, claim)
		})
		select {
		case r := <-result:
			switch {
			case r.Err == nil:
				return h.accept(ctx, deadline, app, cb, fingerprint, claim, r.Val.(startResult), own)
			case own || startCtx.Err() != nil:
				return h.reject(ctx, deadline, app, cb, fingerprint, claim, r.Err)
			}
		case <-startCtx.Done():
			return h.reject(ctx, deadline, app, cb, fingerprint, claim, startCtx.Err())
		}
	}
}

// startResult is what a start found out.
type startResult struct {
	already bool
	// first is the fingerprint of the callback that started the workflow.
	first string
	// settled says that later callbacks of the call are no news, so that Redis may
	// answer them.
	settled bool
}

func (h *Handler) start(ctx context.Context, by time.Time, app App, cb tencent.Callback, fingerprint string, claim dedupe.Claim) (startResult, error) {
	if !allowed(ctx, h.limits.Calls, app.ID) {
		return startResult{}, errThrottled
	}
	place, err := h.starting[app.ID].Take(ctx, patience(by))
	if err != nil {
		return startResult{}, fmt.Errorf("too many starts of the app wait for Temporal: %w", err)
	}
	defer place.Leave()
	already, err := h.workflows.Start(ctx, workflows.AfterCallParams{
		SDKAppID:       app.ID,
		App:            app.Name,
		CallID:         cb.CallID,
		Source:         workflows.SourceCallback,
		Callback:       &cb.Record,
		EndedAt:        cb.EndedAt(),
		RecordDeadline: app.RecordDeadline,
	}, fingerprint)
	switch {
	case err != nil, !already:
		return startResult{first: fingerprint, settled: true}, err
	case claim.Outcome == dedupe.Held: // the callback that holds the claim has looked, or will
		return startResult{already: true, first: claim.Fingerprint}, nil
	}
	return h.lookAt(ctx, app, cb.CallID, fingerprint), nil
}

// lookAt looks at a call that was started before, and that Redis does not know: it
// has forgotten it, or was made to because the call lacks its record. Then there
// may be one now.
func (h *Handler) lookAt(ctx context.Context, app App, callID, own string) startResult {
	started, err := h.workflows.Started(ctx, app.ID, callID)
	if err != nil {
		h.logger.WarnContext(ctx, "a duplicate callback could not be compared with the first one",
			"app", app.Name, "call_id", callID, "error", err)
	}
	result := startResult{already: true, first: started.Fingerprint, settled: !started.LacksRecord()}
	if result.first == "" { // unknown, or started by a sweep or an operator
		result.first = own
	}
	if (err != nil || started.LacksRecord()) && result.first == own { // duplicate does it for one that differs
		h.recheck(ctx, app, callID)
	}
	return result
}

// accept answers a callback whose workflow is started. own says that this
// callback asked Temporal, so that it is the one to confirm.
func (h *Handler) accept(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, fingerprint string, claim dedupe.Claim, result startResult, own bool) reply {
	h.unaccepted.accepted(claim.Key)
	if own && result.settled {
		confirmCtx, cancel := context.WithDeadline(ctx, deadline)
		h.claims.Confirm(confirmCtx, claim, result.first)
		cancel()
	}
	if own && !result.already {
		h.callLogger(app, cb).InfoContext(ctx, "call accepted", "redis", claim.Outcome)
		return ok200(outcomeStarted)
	}
	return h.duplicate(ctx, app, cb.CallID, fingerprint, result.first)
}

// reject answers 503, unless another process has meanwhile started the workflow
// and confirmed it, and 429 what is over the limit. What Temporal would refuse again and again is answered 400:
// sending it again cures nothing, and a sweep holds the call back by itself.
//
// The claim stays until it expires. It stops no other callback of the call, so
// the next one starts the workflow.
func (h *Handler) reject(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, fingerprint string, claim dedupe.Claim, cause error) reply {
	if errors.Is(cause, errThrottled) {
		return throttled()
	}
	lookCtx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if first, known := h.claims.Confirmed(lookCtx, claim); known {
		h.unaccepted.accepted(claim.Key)
		return h.duplicate(ctx, app, cb.CallID, fingerprint, first)
	}
	if temporalclient.Refused(cause) {
		h.callLogger(app, cb).ErrorContext(ctx, "callback rejected with 400: Temporal refuses to start its workflow, whenever it is asked", "error", cause)
		return refuse(http.StatusBadRequest, "CallRecord: its workflow cannot be started, so there is no use in sending it again")
	}
	h.callLogger(app, cb).WarnContext(ctx, "callback rejected with 503: the workflow could not be started", "error", cause)
	return h.unavailable(ctx, app, cb, claim)
}

// busy answers 503 without having asked anyone: a burst leaves the processors to the
// starts that can succeed. Nor does it flood the log.
func (h *Handler) busy(ctx context.Context, app App, cb tencent.Callback, claim dedupe.Claim) reply {
	answer := h.unavailable(ctx, app, cb, claim)
	h.refusals.log(answer.forApp(app))
	return answer
}

// unavailable answers 503, and watches whether the call is accepted later.
func (h *Handler) unavailable(ctx context.Context, app App, cb tencent.Callback, claim dedupe.Claim) reply {
	h.unaccepted.rejected(ctx, app.Name, cb.CallID, claim.Key, func(ctx context.Context) bool {
		if _, known := h.claims.Confirmed(ctx, claim); known {
			return true
		}
		_, err := h.workflows.Started(ctx, app.ID, cb.CallID) // fails without a workflow
		return err == nil
	})
	return unavailable()
}

func (h *Handler) callLogger(app App, cb tencent.Callback) *slog.Logger {
	return h.logger.With("app", app.Name, "call_id", cb.CallID, "WorkflowID", workflows.AfterCallID(app.ID, cb.CallID))
}

// duplicate answers a callback of a call that was started before. One that
// differs from the first changes no charge, because the call record decides.
// It is reported because Tencent repeats callbacks unchanged: someone else
// may have sent one of them. If that was the first, and too early, the call may
// be in review for lack of a record that there is now.
func (h *Handler) duplicate(ctx context.Context, app App, callID, fingerprint, first string) reply {
	if fingerprint != first {
		h.metrics.conflicts.WithLabelValues(app.Name).Inc()
		h.logger.WarnContext(ctx, "conflict: a duplicate callback differs from the first one; the call record decides",
			"app", app.Name, "call_id", callID)
		h.recheck(ctx, app, callID)
	}
	return ok200(outcomeDuplicate)
}
