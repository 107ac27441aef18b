package workflows

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// recordRetention is how long Tencent keeps records. D:68931
const recordRetention = 7 * 24 * time.Hour

// readsAgain reports whether the record is read again before a decision is carried
// out. Decisions of earlier releases did so only to charge a call without record.
func (c *call) readsAgain(ctx workflow.Context, d DecideParams) bool {
	r := c.review
	r.decisions++
	version := workflow.GetVersion(ctx, "read-again-"+strconv.Itoa(r.decisions), workflow.DefaultVersion, 1)
	return version >= 1 || (r.NoRecord && d.Verdict == billing.VerdictCharge)
}

// recordDecides reads the record again. If it is not what the person has seen, it
// decides instead of them: the call is charged by it, or stays in review for
// another reason. done is set if that is what the person wanted, and err tells
// them why their decision was not carried out.
func (c *call) recordDecides(ctx workflow.Context, d DecideParams) (done bool, err error) {
	r := c.review
	which := "Tencent's record has changed since the review began, and "
	if r.NoRecord {
		which = "Tencent has a record of the call by now, which "
	}
	changed, err := c.readAgain(ctx)
	switch {
	case err != nil:
		return false, r.checkWithoutRecord(ctx, d, err)
	case !changed:
		return false, nil
	case len(r.Unreadable) > 0:
		return false, recordAppeared(which + "cannot be read completely: decide again: " + r.Reason)
	}
	err = c.chargeByRecord(ctx)
	switch data := r.charge.Event.Call; {
	case needsReview(err):
		return false, recordAppeared(which + "needs a decision of its own: " + r.Reason)
	case err != nil:
		return false, err
	case d.Verdict == billing.VerdictCharge:
		return true, nil
	default:
		return false, recordAppeared(which + "decides: charged " + data.Amount + " " + data.Currency + " for " + strconv.FormatInt(data.BilledSeconds, 10) + " s")
	}
}

// RecordAppeared is the type of the error with which a decision is answered that
// the record has made needless.
const RecordAppeared = "RecordAppeared"

func recordAppeared(message string) error {
	return temporal.NewApplicationError(message, RecordAppeared)
}

// checkWithoutRecord returns why a decision cannot be carried out after the
// record could not be read again, because of cause.
func (r *review) checkWithoutRecord(ctx workflow.Context, d DecideParams, cause error) error {
	switch {
	case !r.NoRecord: // what was read before is still true
		return nil
	case d.Verdict == billing.VerdictCharge:
		return temporal.NewApplicationError("there is still no record to charge ("+errorMessage(cause)+"): use charge-as or waive", "NoRecord")
	case activities.IsNoRecord(cause):
		return nil
	case activities.Retryable(cause) && workflow.Now(ctx).Sub(r.Since) < recordRetention:
		return temporal.NewApplicationError(
			"it is not known whether Tencent has a record by now: "+errorMessage(cause)+": decide again when it answers", "NoRecord")
	}
	return nil
}

// useHint makes the review one of a call without record. What callbacks say of
// the payer is shown to the person who decides, and never used; what a sweep has
// found comes from Tencent.
func (r *review) useHint(p AfterCallParams) {
	r.record = tencent.CallRecord{CallID: p.CallID}
	if hint := p.hint(); hint != nil {
		r.record = *hint
	}
	if claim := cmp.Or(p.Callback, p.Seen); claim != nil {
		r.Claimed = &ClaimedCall{Caller: claim.Caller, Summary: summarize(*claim)}
		r.record.Members = slices.DeleteFunc(slices.Clone(r.record.Members), func(m string) bool { return m == r.record.Caller })
		r.record.Caller = ""
	}
}

// billable is the record to charge by a decision. Only Tencent's record, the rule of
// the app or the person who decides names the payer.
func (c *call) billable(ctx workflow.Context, d DecideParams) (tencent.CallRecord, error) {
	r := c.review
	if err := r.checkReadable(d); err != nil {
		return tencent.CallRecord{}, err
	}
	record := r.record
	if !d.EndedAt.IsZero() {
		if r.endConfirmed() && c.endPossible(ctx) {
			return record, temporal.NewApplicationError("ended_at: Tencent says when the call ended: leave it out", "InvalidDecision")
		}
		record.EndTime = d.EndedAt.Unix()
	}
	switch {
	case d.Payer != "" && record.Caller != "" && r.payerMissing:
	case d.Payer != "" && record.Caller != "":
		return record, temporal.NewApplicationError("payer: Tencent's record names the payer: leave it out", "InvalidDecision")
	case d.Payer != "":
		record.Caller = d.Payer
	case record.Caller == "" && d.Verdict != billing.VerdictWaive:
		return record, temporal.NewApplicationError(
			"payer: is missing: Tencent has not confirmed who made this call, so name the account that pays", "InvalidDecision")
	}
	return record, nil
}
