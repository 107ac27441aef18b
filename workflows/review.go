package workflows

import (
	"errors"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// UpdateDecide is the Update that decides about a call in review. It takes
// DecideParams and returns a DecideResult once the decision is in the ledger.
const UpdateDecide = "decide"

// DecideParams are a person's decision about a call in review.
type DecideParams struct {
	// Verdict is charge, waive or charge-as.
	Verdict billing.Verdict `json:"verdict"`
	// ConnectedSeconds are the real ones, for charge-as.
	ConnectedSeconds int64 `json:"connected_seconds,omitempty"`
	// MediaType and CallType stand in for unknown ones of the record.
	MediaType tencent.MediaType `json:"media_type,omitempty"`
	CallType  tencent.CallType  `json:"call_type,omitempty"`
	// By is who decides, and Reason why; both are kept in the ledger.
	By     string `json:"by"`
	Reason string `json:"reason"`
}

func (d DecideParams) decision(unconfirmed bool) billing.Decision {
	return billing.Decision{
		Verdict: d.Verdict, ConnectedSeconds: d.ConnectedSeconds, MediaType: d.MediaType, CallType: d.CallType, Unconfirmed: unconfirmed,
	}
}

func (d DecideParams) validate() error {
	errs := []error{d.decision(false).Validate()}
	if strings.TrimSpace(d.By) == "" {
		errs = append(errs, errors.New("by: is missing: say who decides"))
	}
	if strings.TrimSpace(d.Reason) == "" {
		errs = append(errs, errors.New("reason: is missing: say why"))
	}
	return errors.Join(errs...)
}

// DecideResult is what a decision came to.
type DecideResult struct {
	Outcome       Outcome `json:"outcome"`
	BilledSeconds int64   `json:"billed_seconds"`
	Amount        string  `json:"amount"`
	Currency      string  `json:"currency"`
	LedgerKey     string  `json:"ledger_key"`
}

// review is a call that waits for a person, for as long as it takes.
type review struct {
	*ReviewStatus // the same as in the call's Status
	record        tencent.CallRecord

	booking bool // a decision is being carried out
	charge  activities.ChargeResult
	failed  error // ends the call
}

// reviewable reports whether a failed step leaves the call to a person.
func reviewable(err error) bool {
	var appErr *temporal.ApplicationError
	return errors.As(err, &appErr) &&
		slices.Contains([]string{activities.NeedsReview, activities.RecordNeverAppeared, activities.RecordAPIInvalid}, appErr.Type())
}

// listen makes the call answer to UpdateDecide and QueryStatus.
func (c *call) listen(ctx workflow.Context) error {
	if err := c.answer(ctx); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, c.decide, workflow.UpdateHandlerOptions{
		Description: `Decide about a call in review: {"verdict":"charge"|"waive"|"charge-as","connected_seconds":120,"by":"who","reason":"why"}`,
		Validator:   c.mayDecide,
	})
}

// inReview waits until a person has decided, and returns the charge.
func (c *call) inReview(ctx workflow.Context, record tencent.CallRecord, noRecord bool, why error) (activities.ChargeResult, error) {
	r := &review{record: record, ReviewStatus: &ReviewStatus{Reason: reason(why), Since: workflow.Now(ctx).UTC(), NoRecord: noRecord}}
	c.review, c.status.Review, c.status.Failure = r, r.ReviewStatus, ""
	c.awaitDecision(ctx)
	c.background.Add(1)
	workflow.GoNamed(ctx, "tell of the review", func(ctx workflow.Context) {
		defer c.background.Done()
		c.tellOfReview(ctx, why)
	})
	if err := workflow.Await(ctx, func() bool { return r.Decided != nil || r.failed != nil }); err != nil {
		return r.charge, err
	}
	return r.charge, r.failed
}

// awaitDecision shows that the call waits for a person, and what to do about it.
func (c *call) awaitDecision(ctx workflow.Context) {
	c.stay(ctx, StageReview, "a decision: with the Update `"+UpdateDecide+"`, or `aftercall review decide "+c.params.CallID+"`")
}

// tellOfReview notifies once that the call needs a person.
func (c *call) tellOfReview(ctx workflow.Context, why error) {
	var appErr *temporal.ApplicationError
	errors.As(why, &appErr) // it is one: see reviewable
	var opened activities.OpenReviewResult
	err := attempt(ctx, lookupOptions, "count the review", func(error) {}, steps.OpenReview, activities.OpenReviewParams{
		SDKAppID: c.params.SDKAppID, Record: c.review.record, Error: appErr.Type(), Reason: c.review.Reason, At: c.review.Since,
	}, &opened)
	if err != nil {
		workflow.GetLogger(ctx).Error("nobody was told of a review", "error", err)
		return
	}
	c.told = deliver(ctx, DeliverParams{Event: opened.Event, MessageID: opened.MessageID, Targets: opened.Targets}, func(int, DeliveryStatus) {})
}

// mayDecide refuses decisions that make no sense, before they leave a trace.
func (c *call) mayDecide(_ workflow.Context, d DecideParams) error {
	switch r := c.review; {
	case r == nil:
		return errors.New("this call is not in review")
	case r.Decided != nil:
		return errors.New("this call was decided already, by " + r.Decided.By + ": " + string(r.Decided.Verdict))
	case r.booking:
		return errors.New("another decision about this call is being carried out: look again in a moment")
	}
	return d.validate()
}

// decide carries a decision out. What cannot be followed is answered with the
// reason, and the call stays in review.
func (c *call) decide(ctx workflow.Context, d DecideParams) (DecideResult, error) {
	r := c.review
	r.booking = true
	defer func() { r.booking = false }()
	if r.NoRecord && d.Verdict == billing.VerdictCharge {
		// The record may be there by now, or readable: a person mended something.
		record, err := c.fetchOnce(ctx)
		if err != nil {
			return DecideResult{}, temporal.NewApplicationError("there is still no record to charge ("+reason(err)+"): use charge-as or waive", "NoRecord")
		}
		r.record, r.NoRecord = record, false
	}
	charge, err := c.book(ctx, r.record, &activities.Decided{Decision: d.decision(r.NoRecord), By: d.By, Reason: d.Reason})
	if err != nil {
		if reviewable(err) {
			c.status.Failure = ""
			c.awaitDecision(ctx)
		} else {
			r.failed = err
		}
		return DecideResult{}, err
	}
	r.Decided, r.charge = &d, charge
	result := outcome(charge, r.Decided)
	return DecideResult{
		Outcome: result.Outcome, BilledSeconds: result.BilledSeconds, Amount: result.Amount, Currency: result.Currency, LedgerKey: result.LedgerKey,
	}, nil
}
