package workflows

import (
	"go.temporal.io/sdk/workflow"
)

// SignalRecheck is the signal that makes a call that is in review only because
// Tencent had no record look for the record again. It has no argument, and no
// effect on other calls. The starter sends it for a later callback of the call
// that differs from the first, and a sweep when Tencent lists the call.
const SignalRecheck = "recheck"

// receiveRechecks carries out SignalRecheck while the call is in review.
func (c *call) receiveRechecks(ctx workflow.Context) {
	signals := workflow.GetSignalChannel(ctx, SignalRecheck)
	for signals.Receive(ctx, nil) {
		for signals.ReceiveAsync(nil) { // one look is enough for all that have arrived
		}
		if !c.review.waitsForRecord() {
			continue
		}
		// The callback may have come at the end of the call, as the first one should have.
		timer := workflow.NewTimerWithOptions(ctx, RecordDelay, workflow.TimerOptions{Summary: "until the call record can be queried"})
		if timer.Get(ctx, nil) == nil && c.review.waitsForRecord() {
			c.recheck(ctx)
		}
	}
}

// waitsForRecord reports whether the call is in review only because there was no
// record.
func (r *review) waitsForRecord() bool {
	return r.NoRecord && !r.deciding && !r.settled && r.Decided == nil && r.failure == nil
}

// recheck reads the record again. If there is one, the call goes on as if it had
// been there at first: it is charged, or stays in review for another reason.
func (c *call) recheck(ctx workflow.Context) {
	r := c.review
	r.deciding = true
	defer func() { r.deciding = false }()
	r.Rechecks, r.RecheckedAt = r.Rechecks+1, workflow.Now(ctx).UTC()
	record, err := c.fetchRecordNow(ctx)
	switch {
	case err != nil && c.useReadableFields(ctx, r, err):
		r.NoRecord, r.Reason = false, errorMessage(err)
		return
	case err != nil:
		workflow.GetLogger(ctx).Info("there is still no record of a call in review", "error", errorMessage(err))
		return
	}
	r.record, r.NoRecord = record, false
	c.status.Record = newRecordStatus(record, nil)
	charge, err := c.charge(ctx, record, nil)
	switch {
	case err == nil:
		r.charge, r.settled = charge, true
	case needsReview(err):
		r.Reason, c.status.Failure = errorMessage(err), ""
		c.setWaitingForDecision(ctx)
	default:
		r.failure = err
	}
}
