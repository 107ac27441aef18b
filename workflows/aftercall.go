package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// AfterCall takes one ended call from its callback to the ledger and to those
// who want to hear of it. What must not be charged blindly waits for a person.
// It fails only when the ledger holds another sum for the call, which no
// further attempt and no decision could change; its failure then says so.
func AfterCall(ctx workflow.Context, p AfterCallParams) (AfterCallResult, error) {
	c := &call{params: p, background: workflow.NewWaitGroup(ctx)}
	c.enter(ctx, StageWaiting)
	if err := c.listen(ctx); err != nil {
		return AfterCallResult{}, err
	}
	if err := c.wait(ctx); err != nil {
		return AfterCallResult{}, err
	}
	charge, err := c.settle(ctx)
	if err != nil {
		return AfterCallResult{}, err
	}
	result := outcome(charge, c.decided())
	var deliveries []Delivery
	if !charge.AlreadyHandled {
		deliveries = c.notify(ctx, DeliverParams{Event: charge.Event, MessageID: charge.MessageID, Targets: charge.Targets, Fresh: c.fresh()})
	}
	c.background.Wait(ctx)
	result.Deliveries = append(result.Deliveries, append(c.told, deliveries...)...)
	c.finish(ctx, result.Deliveries)
	return result, nil
}

// call is one run of AfterCall.
type call struct {
	tracker
	params AfterCallParams
	// review is nil unless a person must decide.
	review *review
	// background is what must end before the workflow does.
	background workflow.WaitGroup
	// told is what became of the notifications of a review.
	told []Delivery
	// early is what is left to wait in the first step.
	early time.Duration
}

// settle reads the record and charges the call, with a person's help if need be.
func (c *call) settle(ctx workflow.Context) (activities.ChargeResult, error) {
	record, err := c.fetch(ctx)
	noRecord := err != nil
	var charge activities.ChargeResult
	if err == nil {
		charge, err = c.book(ctx, record, nil)
	} else if hint := c.params.hint(); hint != nil {
		record = *hint
	} else {
		record = tencent.CallRecord{CallID: c.params.CallID}
	}
	if reviewable(err) {
		return c.inReview(ctx, record, noRecord, err)
	}
	return charge, err
}

// fresh reports whether the call came by its callback, and needed nobody's help.
func (c *call) fresh() bool { return c.params.Callback != nil && c.review == nil }

func (c *call) decided() *DecideParams {
	if c.review == nil {
		return nil
	}
	return c.review.Decided
}

// steps gives type-safe references; the worker registers a real one.
var steps *activities.Activities

// noticeable is a wait that the list of workflows shows. A shorter one comes
// from clocks that differ a little, and showing it would cost more than it tells.
const noticeable = 2 * time.Second

// wait holds until the record can be queried, but for the last milliseconds of
// a lead. A start delay has usually done the waiting already, and costs less;
// but a workflow started without one waits just the same.
func (c *call) wait(ctx workflow.Context) error {
	pause := c.params.waitAt(workflow.Now(ctx))
	if pause <= c.params.Lead {
		c.early = pause
		return nil
	}
	if pause > noticeable {
		c.stay(ctx, StageWaiting, "the call record, which can be queried five seconds after the end of the call")
	}
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{
		Summary: "until the call record can be queried",
	}).Get(ctx, nil)
}

// fetch reads the authoritative record.
func (c *call) fetch(ctx workflow.Context) (tencent.CallRecord, error) {
	c.enter(ctx, StageRecord)
	var fetched activities.FetchRecordResult
	err := attempt(ctx, recordOptions, "read the call record", c.stuck(ctx, StageRecord, "the call record"), steps.FetchRecord,
		activities.FetchRecordParams{
			SDKAppID: c.params.SDKAppID,
			CallID:   c.params.CallID,
			Patience: c.params.RecordDeadline,
			Fresh:    c.fresh(),
			After:    c.early,
		}, &fetched)
	if err != nil {
		return tencent.CallRecord{}, c.failed(ctx, "no call record", err)
	}
	c.status.Record = newRecordStatus(fetched.Record, nil)
	if err := c.correctAttributes(ctx, fetched.Record); err != nil {
		return tencent.CallRecord{}, err
	}
	return fetched.Record, nil
}

// fetchOnce reads the record if it is there now.
func (c *call) fetchOnce(ctx workflow.Context) (tencent.CallRecord, error) {
	var fetched activities.FetchRecordResult
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, onceOptions("read the call record")), steps.FetchRecord,
		activities.FetchRecordParams{SDKAppID: c.params.SDKAppID, CallID: c.params.CallID},
	).Get(ctx, &fetched)
	if err != nil {
		return tencent.CallRecord{}, err
	}
	return fetched.Record, c.correctAttributes(ctx, fetched.Record)
}

// correctAttributes makes the list of workflows tell the truth where the
// callback did not.
func (c *call) correctAttributes(ctx workflow.Context, record tencent.CallRecord) error {
	hint := c.params.hint()
	if hint != nil && hint.Result == record.Result && hint.MediaType == record.MediaType && hint.CallType == record.CallType {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, recordAttributes(record)...)
}

// charge books the call into the ledger, once for ever.
func (c *call) book(ctx workflow.Context, record tencent.CallRecord, decided *activities.Decided) (activities.ChargeResult, error) {
	if decided == nil { // otherwise it is in review until it is booked
		c.enter(ctx, StageCharge)
	}
	var charge activities.ChargeResult
	err := attempt(ctx, chargeOptions, "charge "+summarize(record), c.stuck(ctx, StageCharge, "the ledger"), steps.Charge,
		activities.ChargeParams{
			SDKAppID:   c.params.SDKAppID,
			Record:     record,
			Callback:   c.params.Callback,
			ReadAt:     workflow.Now(ctx),
			Decided:    decided,
			FirstRunID: workflow.GetInfo(ctx).FirstRunID,
			Fresh:      c.fresh(),
		}, &charge)
	if err != nil {
		return charge, c.failed(ctx, "not charged", err)
	}
	c.status.Record, c.status.Charge = newRecordStatus(record, charge.Differences), newChargeStatus(charge)
	return charge, nil
}

func outcome(c activities.ChargeResult, decided *DecideParams) AfterCallResult {
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

func (c *call) failed(ctx workflow.Context, what string, err error) error {
	c.status.WaitingFor, c.status.Failure = "", what+": "+reason(err)
	c.show(ctx)
	return err
}

// reason is the innermost message that says what went wrong.
func reason(err error) string {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return appErr.Message()
	}
	return err.Error()
}
