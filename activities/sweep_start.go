package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// start starts the workflow of a call that is not in the ledger and did not run
// a moment ago. An error is one of the ledger, or of Temporal in a dry run.
func (r *windowRun) start(ctx context.Context, record tencent.CallRecord) error {
	key := ledger.HeldCallKey(record.CallID)
	if r.isDismissed(ctx, key) {
		r.result.Counts.Known++
		return nil
	}
	if r.params.DryRun {
		return r.inspect(ctx, record.CallID)
	}
	// What an operator's backfill lists is tried whether it is due or not.
	if h, ok := r.held[key]; ok && h.NextAttemptAt.After(r.now) && !r.params.backfill() {
		r.result.Counts.HeldBack++
		return nil
	}
	return r.attempt(ctx, key, record)
}

// inspect counts what start would do.
func (r *windowRun) inspect(ctx context.Context, callID string) error {
	outcome, err := r.calls.Inspect(ctx, r.app.ID, callID)
	switch {
	case err == nil:
		r.countOutcome(ctx, outcome, callID)
	case isPermanentStart(err):
		r.result.Counts.HeldBack++
	default:
		return defaultType(err, TemporalUnavailable)
	}
	return nil
}

// attempt starts a call that is not held back, or is due.
func (r *windowRun) attempt(ctx context.Context, key string, record tencent.CallRecord) error {
	var ledgerErr error
	inLedger := func(ctx context.Context) (bool, error) {
		known, err := r.ledger.Known(ctx, r.app.ID, []string{record.CallID})
		ledgerErr = err
		return known[record.CallID], err
	}
	outcome, err := r.calls.StartListed(ctx, r.app, record, StartAgain{InLedger: inLedger, Notify: r.params.Notify})
	activity.RecordHeartbeat(ctx, r.started)
	switch {
	case ledgerErr != nil:
		return ledgerErr
	case err != nil && isPermanentStart(err):
		return r.holdBackCall(ctx, key, record, err)
	case err != nil:
		activity.GetLogger(ctx).Error("the workflow of a call could not be started", "app", r.app.Name, "call_id", record.CallID, "error", err)
		r.result.Counts.Failed++
		if r.result.Failure == "" {
			r.result.Failure = err.Error()
		}
		return nil
	}
	r.countOutcome(ctx, outcome, record.CallID)
	activity.RecordHeartbeat(ctx, r.started)
	return r.release(ctx, key)
}

// countOutcome counts a call that was started, or need not be.
func (r *windowRun) countOutcome(ctx context.Context, outcome StartOutcome, callID string) {
	logger := activity.GetLogger(ctx)
	switch outcome {
	case StillRunning, InLedger:
		r.result.Counts.Known++
	case ChargeFailed:
		r.result.Counts.Conflicts++
		logger.Error("a call is not charged: its workflow has failed and is not started again", "app", r.app.Name, "call_id", callID)
	case StartedAgain:
		r.result.Counts.Recharged++
		r.addExample(callID)
		if !r.params.DryRun {
			r.metrics.calls.WithLabelValues(r.app.Name, "recharged").Inc()
			logger.Warn("a call is charged again: its workflow had ended, but the ledger has no entry", "app", r.app.Name, "call_id", callID)
		}
	case StartedFirst:
		r.addRecovered(callID)
		if r.params.DryRun {
			return
		}
		r.started = append(r.started, callID)
		if r.params.backfill() {
			r.metrics.calls.WithLabelValues(r.app.Name, "backfilled").Inc()
			return
		}
		r.metrics.calls.WithLabelValues(r.app.Name, "recovered").Inc()
		logger.Warn("recovered a call whose callback was lost", "app", r.app.Name, "call_id", callID)
	}
}

func (r *windowRun) addRecovered(callID string) {
	r.result.Counts.Recovered++
	r.addExample(callID)
}

func (r *windowRun) addExample(callID string) {
	if len(r.result.Examples) < maxExamples {
		r.result.Examples = append(r.result.Examples, callID)
	}
}
