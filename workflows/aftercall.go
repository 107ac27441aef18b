package workflows

import (
	"errors"

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
	if !charge.AlreadyHandled {
		result.Deliveries = c.notify(ctx, charge)
	}
	c.background.Wait(ctx)
	c.show(ctx, "")
	return result, c.leave(ctx)
}

// call is one run of AfterCall.
type call struct {
	params   AfterCallParams
	progress progress
	// stage is where the call stays or stayed, empty while all goes well.
	stage Stage
	// review is nil unless a person must decide.
	review *review
	// background is what must end before the workflow does.
	background workflow.WaitGroup
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

func (c *call) decided() *DecideParams {
	if c.review == nil {
		return nil
	}
	return c.review.decided
}

// steps gives type-safe references; the worker registers a real one.
var steps *activities.Activities

// wait holds until the record can be queried. A start delay has usually done
// the waiting already, and costs less; but a workflow started without one
// waits just the same.
func (c *call) wait(ctx workflow.Context) error {
	pause := c.params.waitAt(workflow.Now(ctx))
	if pause == 0 {
		return nil
	}
	c.show(ctx, "waiting until the call record can be queried")
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{
		Summary: "until the call record can be queried",
	}).Get(ctx, nil)
}

// fetch reads the authoritative record.
func (c *call) fetch(ctx workflow.Context) (tencent.CallRecord, error) {
	var fetched activities.FetchRecordResult
	err := attempt(ctx, recordOptions, "read the call record", c.stuckAt(ctx, StageRecord, "the call record"), steps.FetchRecord,
		activities.FetchRecordParams{
			SDKAppID: c.params.SDKAppID,
			CallID:   c.params.CallID,
			GiveUpAt: workflow.Now(ctx).Add(c.params.RecordDeadline),
		}, &fetched)
	if err != nil {
		return tencent.CallRecord{}, c.failed(ctx, "no call record", err)
	}
	if err := c.correctAttributes(ctx, fetched.Record); err != nil {
		return tencent.CallRecord{}, err
	}
	return fetched.Record, nil
}

// fetchOnce reads the record if it is there now.
func (c *call) fetchOnce(ctx workflow.Context) (tencent.CallRecord, error) {
	var fetched activities.FetchRecordResult
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, onceOptions("read the call record")), steps.FetchRecord,
		activities.FetchRecordParams{SDKAppID: c.params.SDKAppID, CallID: c.params.CallID, GiveUpAt: workflow.Now(ctx)},
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
	var charge activities.ChargeResult
	err := attempt(ctx, chargeOptions, "charge "+summarize(record), c.stuckAt(ctx, StageCharge, "the ledger"), steps.Charge,
		activities.ChargeParams{
			SDKAppID:   c.params.SDKAppID,
			Record:     record,
			Callback:   c.params.Callback,
			ReadAt:     workflow.Now(ctx),
			Decided:    decided,
			FirstRunID: workflow.GetInfo(ctx).FirstRunID,
		}, &charge)
	if err != nil {
		return charge, c.failed(ctx, "not charged", err)
	}
	c.progress.record(record, charge.Differences)
	c.progress.charge(charge)
	return charge, nil
}

// notify tells every target at once. What fails here is reported and never
// undoes the charge.
func (c *call) notify(ctx workflow.Context, charge activities.ChargeResult) []Delivery {
	deliveries := make([]Delivery, len(charge.Targets))
	wg := workflow.NewWaitGroup(ctx)
	for i, target := range charge.Targets {
		wg.Add(1)
		workflow.GoNamed(ctx, "notify "+target, func(ctx workflow.Context) {
			defer wg.Done()
			deliveries[i] = c.deliver(ctx, target, charge)
			c.progress.delivery(deliveries[i])
		})
	}
	wg.Wait(ctx)
	return deliveries
}

func (c *call) deliver(ctx workflow.Context, target string, charge activities.ChargeResult) Delivery {
	err := attempt(ctx, notifyOptions, "notify "+target, c.stuckAt(ctx, StageNotify, "target "+target), steps.Notify,
		activities.NotifyParams{Target: target, MessageID: charge.MessageID, Event: charge.Event}, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("not notified", "target", target, "error", err)
		return Delivery{Target: target, Error: reason(err)}
	}
	return Delivery{Target: target, Delivered: true}
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

// show puts what is known so far on the workflow's page in the Web UI.
func (c *call) show(ctx workflow.Context, waiting string) {
	workflow.SetCurrentDetails(ctx, c.progress.text(waiting))
}

// stuckAt shows what the call waits for, once its first try has failed.
func (c *call) stuckAt(ctx workflow.Context, stage Stage, what string) func(error) {
	return func(err error) {
		if err := c.stay(ctx, stage); err != nil {
			workflow.GetLogger(ctx).Error("the search attributes do not show where the call is", "stage", stage, "error", err)
		}
		c.show(ctx, "waiting for "+what+": "+reason(err))
	}
}

// stay makes the list of workflows show where the call is.
func (c *call) stay(ctx workflow.Context, stage Stage) error {
	if c.stage == stage {
		return nil
	}
	c.stage = stage
	return workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(string(stage)))
}

// leave is stay at the end of a call, which costs nothing if it never stayed.
func (c *call) leave(ctx workflow.Context) error {
	if c.stage == "" {
		return nil
	}
	return c.stay(ctx, StageDone)
}

func (c *call) failed(ctx workflow.Context, what string, err error) error {
	c.show(ctx, what+": "+reason(err))
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
