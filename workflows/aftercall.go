package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// AfterCallName is the registered name of the workflow AfterCall.
const AfterCallName = "AfterCall"

// AfterCall takes one ended call from its callback to the ledger and to the
// targets. A call that must not be charged blindly waits for a person's
// decision. AfterCall fails only when the ledger holds another amount for the
// call, which neither a further attempt nor a decision could change.
func AfterCall(ctx workflow.Context, p AfterCallParams) (AfterCallResult, error) {
	c := &call{params: p, background: workflow.NewWaitGroup(ctx)}
	c.enterStage(ctx, StageWaiting)
	if err := c.registerHandlers(ctx); err != nil {
		return AfterCallResult{}, err
	}
	if err := c.waitForRecord(ctx); err != nil {
		return AfterCallResult{}, err
	}
	charge, err := c.chargeOrReview(ctx)
	if err != nil {
		return AfterCallResult{}, err
	}
	result := newResult(charge, c.decision())
	var deliveries []Delivery
	if !charge.AlreadyHandled && !c.params.Notified {
		deliveries = c.notify(ctx, DeliverParams{
			Event: charge.Event, MessageID: charge.MessageID, Targets: charge.Targets, ObserveLatency: c.observeLatency(),
		})
	}
	c.background.Wait(ctx)
	result.Deliveries = append(result.Deliveries, append(c.reviewDeliveries, deliveries...)...)
	c.finish(ctx, result.Deliveries)
	return result, nil
}

// call is one run of AfterCall.
type call struct {
	tracker
	params AfterCallParams
	// remainingWait is what FetchRecord waits first; see wait.go.
	remainingWait time.Duration
	// review is nil unless a person must decide.
	review *review
	// awaitedEvidence means that the charge has waited for late evidence, or for a record that
	// never came.
	awaitedEvidence bool
	// background is what must end before the workflow does.
	background workflow.WaitGroup
	// reviewDeliveries are the notifications about the review.
	reviewDeliveries []Delivery
}

// chargeOrReview reads the record and charges the call, after a person's
// decision if the call needs one.
func (c *call) chargeOrReview(ctx workflow.Context) (activities.ChargeResult, error) {
	record, err := c.fetchRecord(ctx)
	r := &review{}
	var charge activities.ChargeResult
	if err == nil {
		charge, err = c.charge(ctx, record, nil)
		r.record = record
	} else {
		r.useHint(c.params)
		r.NoRecord = !c.useReadableFields(ctx, r, err)
		if how := activities.ChargedWithoutRecord(err); how != "" && r.NoRecord {
			charge, reason := c.chargeWithoutRecord(ctx, err, how)
			if !needsReview(reason) {
				return charge, reason
			}
			err = reason
		}
	}
	if needsReview(err) {
		return c.awaitReview(ctx, r, err)
	}
	return charge, err
}

// observeLatency reports whether the time since the end of the call says how
// fast calls are handled: the call came by its callback, and waited neither for a decision
// nor for late evidence.
func (c *call) observeLatency() bool {
	return c.params.Callback != nil && c.review == nil && !c.awaitedEvidence
}

// decision is the person's decision, nil if there was none.
func (c *call) decision() *DecideParams {
	if c.review == nil {
		return nil
	}
	return c.review.Decided
}

// fetchRecord reads the authoritative record, and waits for it.
func (c *call) fetchRecord(ctx workflow.Context) (tencent.CallRecord, error) {
	c.enterStage(ctx, StageRecord)
	var fetched activities.FetchRecordResult
	err := runLocalFirst(ctx, recordOptions, "read the call record", c.setWaitingAfterFailure(ctx, StageRecord, "the call record"), acts.FetchRecord,
		activities.FetchRecordParams{
			SDKAppID:        c.params.SDKAppID,
			CallID:          c.params.CallID,
			NotFoundTimeout: c.params.RecordDeadline,
			ObserveLatency:  c.observeLatency(),
			InitialDelay:    c.remainingWait,
		}, &fetched)
	if err != nil {
		return tencent.CallRecord{}, c.setFailure(ctx, "no call record", err)
	}
	c.status.Record = newRecordStatus(fetched.Record, nil)
	if err := c.correctAttributes(ctx, fetched.Record); err != nil {
		return tencent.CallRecord{}, err
	}
	return fetched.Record, nil
}

// fetchRecordNow reads the record if there is one now.
func (c *call) fetchRecordNow(ctx workflow.Context) (tencent.CallRecord, error) {
	var fetched activities.FetchRecordResult
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, localOptions("read the call record")), acts.FetchRecord,
		activities.FetchRecordParams{SDKAppID: c.params.SDKAppID, CallID: c.params.CallID},
	).Get(ctx, &fetched)
	return fetched.Record, err
}

// correctAttributes sets the search attributes of the record where those that
// were set at the start, from the hint, differ.
func (c *call) correctAttributes(ctx workflow.Context, record tencent.CallRecord) error {
	hint := c.params.hint()
	if hint != nil && hint.Result == record.Result && hint.MediaType == record.MediaType && hint.CallType == record.CallType {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, recordAttributes(record)...)
}

// charge writes the charge into the ledger, at most once. decided is nil
// unless a person has decided; then the call stays in the stage review until
// the charge is written.
func (c *call) charge(ctx workflow.Context, record tencent.CallRecord, decided *activities.Decided) (activities.ChargeResult, error) {
	return c.chargeBy(ctx, record, decided, "")
}

// chargeBy is charge, also for a call without a record and a decision: then record is what
// the callback claims.
func (c *call) chargeBy(ctx workflow.Context, record tencent.CallRecord, decided *activities.Decided, unrecorded billing.Unrecorded) (activities.ChargeResult, error) {
	if decided == nil {
		c.enterStage(ctx, StageCharge)
	}
	p := activities.ChargeParams{
		SDKAppID:       c.params.SDKAppID,
		Record:         record,
		Callback:       c.params.Callback,
		ReadAt:         workflow.Now(ctx),
		Decided:        decided,
		Unrecorded:     unrecorded,
		FirstRunID:     workflow.GetInfo(ctx).FirstRunID,
		ObserveLatency: c.observeLatency(),
	}
	var charge activities.ChargeResult
	err := c.runCharge(ctx, p, &charge)
	if err == nil && charge.EvidenceWait > 0 {
		if err = c.waitForEvidence(ctx, charge.EvidenceWait); err != nil {
			return charge, err
		}
		p.EvidenceAwaited, p.ObserveLatency = true, c.observeLatency()
		charge = activities.ChargeResult{}
		err = c.runCharge(ctx, p, &charge)
	}
	if err != nil {
		return charge, c.setFailure(ctx, "not charged", err)
	}
	if charge.MembersLeftOut {
		charge.Event.Call.Members = record.Members
	}
	c.status.Charge = newChargeStatus(charge)
	if unrecorded == "" {
		c.status.Record = newRecordStatus(record, charge.Differences)
	}
	return charge, nil
}

func (c *call) runCharge(ctx workflow.Context, p activities.ChargeParams, charge *activities.ChargeResult) error {
	return runLocalFirst(ctx, chargeOptions, "charge "+summarize(p.Record), c.setWaitingForCharge(ctx), acts.Charge, p, charge)
}

// setWaitingForCharge is setWaitingAfterFailure of a charge.
func (c *call) setWaitingForCharge(ctx workflow.Context) func(error) {
	return func(err error) {
		what := "the ledger"
		if activities.IsWithoutEvidence(err) {
			what = "the evidence"
		}
		c.setWaitingAfterFailure(ctx, StageCharge, what)(err)
	}
}

func newResult(c activities.ChargeResult, decided *DecideParams) AfterCallResult {
	data := c.Event.Call
	result := AfterCallResult{
		Outcome:          OutcomeCharged,
		ConnectedSeconds: data.ConnectedSeconds,
		BilledSeconds:    data.BilledSeconds,
		Amount:           data.Amount,
		Currency:         data.Currency,
		LedgerKey:        c.LedgerKey,
		Deliveries:       []Delivery{},
		Decided:          decided,
	}
	switch {
	case c.AlreadyHandled:
		result.Outcome = OutcomeAlreadyHandled
	case decided != nil && decided.Verdict == billing.VerdictWaive:
		result.Outcome = OutcomeWaived
	case c.Event.Type == notify.EventCallFree:
		result.Outcome = OutcomeFree
	}
	return result
}
