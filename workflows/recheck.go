package workflows

import (
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// SignalRecheck is the signal that makes a call that is in review only because
// Tencent had no record look for the record again. It has no argument, and no
// effect on other calls. The starter sends it for a later callback of the call,
// and a sweep when Tencent lists the call.
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
	switch changed, err := c.readAgain(ctx); {
	case err != nil:
		workflow.GetLogger(ctx).Info("there is still no record of a call in review", "error", errorMessage(err))
	case changed && len(r.Unreadable) == 0:
		_ = c.chargeByRecord(ctx) // the review shows it
	}
}

// readAgain reads the record again, and makes the review use it. changed is set
// if it is not what the review was about before.
func (c *call) readAgain(ctx workflow.Context) (changed bool, err error) {
	r := c.review
	noRecord := r.NoRecord
	record, err := c.fetchRecordNow(ctx)
	switch {
	case err == nil:
		if !noRecord && len(r.Unreadable) == 0 && record.Equal(r.record) {
			return false, nil
		}
		r.useRecord(record)
		c.status.Record = newRecordStatus(record, nil)
		return true, c.correctAttributes(ctx, record)
	case (noRecord || len(r.Unreadable) > 0) && c.useReadableFields(ctx, r, err):
		r.NoRecord, r.Reason = false, errorMessage(err)
		c.show(ctx)
		return noRecord, nil
	}
	return false, err
}

// useRecord makes the review one of a record that was read completely.
func (r *review) useRecord(record tencent.CallRecord) {
	r.record, r.NoRecord, r.Claimed, r.Unreadable, r.Raw = record, false, nil, nil, ""
}

// chargeByRecord charges the record as if it had been there at first. The call
// stays in review if it needs a decision.
func (c *call) chargeByRecord(ctx workflow.Context) error {
	r := c.review
	charge, err := c.charge(ctx, r.record, nil)
	switch {
	case err == nil:
		r.charge, r.settled = charge, true
	case needsReview(err):
		r.Reason, c.status.Failure = errorMessage(err), ""
		r.payerMissing = activities.LacksPayer(err)
		c.setWaitingForDecision(ctx)
	default:
		r.failure = err
	}
	return err
}
