package workflows

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
)

// UpdateDecide is the Workflow Update that decides about a call in review. It
// takes DecideParams and returns a DecideResult once the decision is in the ledger.
const UpdateDecide = "decide"

// DecideParams is a person's decision about a call in review.
type DecideParams struct {
	// Verdict is charge, waive or charge-as.
	Verdict billing.Verdict `json:"verdict"`
	// ConnectedSeconds is the connected time to charge, for charge-as.
	ConnectedSeconds int64 `json:"connected_seconds,omitempty"`
	// MediaType and CallType replace unknown ones of the record.
	MediaType tencent.MediaType `json:"media_type,omitempty"`
	CallType  tencent.CallType  `json:"call_type,omitempty"`
	// Payer is the account that pays where Tencent has not confirmed who made the
	// call, or the rule of the app does not say who pays; empty otherwise.
	Payer string `json:"payer,omitempty"`
	// EndedAt is when the call ended where Tencent has not confirmed it, for charge-as;
	// zero otherwise.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// By is the person who decides, and Reason why; both are stored in the ledger.
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// BillingDecision is the decision as billing takes it. unconfirmed means that Tencent
// has no record of the call.
func (d DecideParams) BillingDecision(unconfirmed bool) billing.Decision {
	return billing.Decision{
		Verdict: d.Verdict, ConnectedSeconds: d.ConnectedSeconds, MediaType: d.MediaType, CallType: d.CallType,
		Unconfirmed: unconfirmed, PayerNamed: d.Payer != "", EndNamed: !d.EndedAt.IsZero(),
	}
}

func (d DecideParams) validate() error {
	errs := []error{d.BillingDecision(false).Validate()}
	if d.Payer != "" {
		errs = append(errs, tencent.ValidateAccount("payer", d.Payer))
	}
	if strings.TrimSpace(d.By) == "" {
		errs = append(errs, errors.New("by: is missing: name the person who decides"))
	}
	if strings.TrimSpace(d.Reason) == "" {
		errs = append(errs, errors.New("reason: is missing: give the reason for the decision"))
	}
	return errors.Join(errs...)
}

// DecideResult is the charge that results from a decision.
type DecideResult struct {
	Outcome       Outcome `json:"outcome"`
	BilledSeconds int64   `json:"billed_seconds"`
	Amount        string  `json:"amount"`
	Currency      string  `json:"currency"`
	LedgerKey     string  `json:"ledger_key"`
}

// review is a call that waits for a decision, without a limit.
type review struct {
	ReviewStatus // the call's Status points to it
	// record is the call record, with the hint's fields where it could not be
	// read; the hint if there is no record. It has no caller but a confirmed one.
	record tencent.CallRecord
	// payerMissing says that the rule of the app does not say who pays.
	payerMissing bool
	// endUnknown says that neither the record nor a callback says when the call ended.
	endUnknown bool

	decisions int  // that were accepted, carried out or not
	deciding  bool // a decision or the result of a recheck is being written to the ledger
	settled   bool // charged without a decision
	charge    activities.ChargeResult
	failure   error // ends the workflow
}

// needsReview reports whether a person must decide after the failure of a step.
func needsReview(err error) bool {
	var appErr *temporal.ApplicationError
	return errors.As(err, &appErr) &&
		slices.Contains([]string{
			activities.NeedsReview, activities.RecordNeverAppeared, activities.RecordAPIInvalid, activities.RecordUnreadable,
		}, appErr.Type())
}

// registerHandlers makes the workflow accept UpdateDecide and QueryStatus.
func (c *call) registerHandlers(ctx workflow.Context) error {
	if err := c.registerStatusQuery(ctx); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, c.decide, workflow.UpdateHandlerOptions{
		Description: `Decide about a call in review: {"verdict":"charge"|"waive"|"charge-as","connected_seconds":120,"by":"who","reason":"why"}`,
		Validator:   c.validateDecision,
	})
}

// awaitReview waits until a person has decided, and returns the charge.
func (c *call) awaitReview(ctx workflow.Context, r *review, cause error) (activities.ChargeResult, error) {
	r.Reason, r.Since = errorMessage(cause), workflow.Now(ctx).UTC()
	r.payerMissing = activities.LacksPayer(cause)
	c.review, c.status.Review, c.status.Failure = r, &r.ReviewStatus, ""
	c.setWaitingForDecision(ctx)
	c.background.Add(1)
	workflow.GoNamed(ctx, "notify of the review", func(ctx workflow.Context) {
		defer c.background.Done()
		c.notifyOfReview(ctx, cause)
	})
	workflow.GoNamed(ctx, "recheck", c.receiveRechecks)
	if err := workflow.Await(ctx, func() bool { return r.Decided != nil || r.settled || r.failure != nil }); err != nil {
		return r.charge, err
	}
	return r.charge, r.failure
}

// setWaitingForDecision shows that the call waits for a person, and how to decide.
func (c *call) setWaitingForDecision(ctx workflow.Context) {
	c.setWaiting(ctx, StageReview, "a decision: with the Update `"+UpdateDecide+"`, or "+
		codeSpan(shell.Command("aftercall review decide", c.params.CallID)))
}

// notifyOfReview sends one event about the review to its subscribers.
func (c *call) notifyOfReview(ctx workflow.Context, cause error) {
	var appErr *temporal.ApplicationError
	errors.As(cause, &appErr) // always true, see needsReview
	record, claimed := c.review.record, c.review.Claimed
	if claimed != nil {
		record.Caller = claimed.Caller
	}
	var opened activities.OpenReviewResult
	err := runLocalFirst(ctx, lookupOptions, "count the review", func(error) {}, acts.OpenReview, activities.OpenReviewParams{
		SDKAppID: c.params.SDKAppID, Record: record, Unconfirmed: claimed != nil, NoRecord: c.review.NoRecord, Error: appErr.Type(), Reason: c.review.Reason, At: c.review.Since,
		FirstRunID: workflow.GetInfo(ctx).FirstRunID,
	}, &opened)
	if err != nil {
		workflow.GetLogger(ctx).Error("no target was notified of a review", "error", err)
		return
	}
	if r := c.review; opened.Charged != nil && !r.deciding && r.Decided == nil && !r.settled && r.failure == nil {
		c.status.Charge = newChargeStatus(*opened.Charged)
		r.charge, r.settled = *opened.Charged, true
		return
	}
	// A person may decide before the review is counted. Its event is sent all the same.
	c.reviewDeliveries = notifyTargets(ctx, DeliverParams{Event: opened.Event, MessageID: opened.MessageID, Targets: opened.Targets}, func(int, DeliveryStatus) {})
}

// validateDecision rejects decisions that are invalid or come at the wrong
// time. What it rejects is not recorded in the history.
func (c *call) validateDecision(ctx workflow.Context, d DecideParams) error {
	switch r := c.review; {
	case r == nil:
		return errors.New("this call is not in review")
	case r.Decided != nil:
		return errors.New("this call has been decided already, by " + r.Decided.By + ": " + string(r.Decided.Verdict))
	case r.settled:
		return errors.New("this call has been charged without a decision: its record has appeared")
	case r.deciding:
		return errors.New("a decision about this call is being carried out, or its record has just appeared: try again in a moment")
	}
	return errors.Join(d.validate(), c.validateEnd(ctx, d))
}

// decide carries a decision out, unless the record has come to say something
// else. A decision that cannot be carried out is answered with the reason, and the
// call stays in review.
func (c *call) decide(ctx workflow.Context, d DecideParams) (DecideResult, error) {
	r := c.review
	r.deciding = true
	defer func() { r.deciding = false }()
	if c.readsAgain(ctx, d) {
		if done, err := c.recordDecides(ctx, d); done || err != nil {
			return newDecideResult(r.charge, nil), err
		}
	}
	record, err := c.billable(ctx, d)
	if err != nil {
		return DecideResult{}, err
	}
	decision := d.BillingDecision(r.NoRecord)
	if d.Payer != record.Caller {
		decision.Payer = d.Payer
	}
	charge, err := c.charge(ctx, record, &activities.Decided{Decision: decision, By: d.By, Reason: d.Reason})
	if err != nil {
		if needsReview(err) {
			r.payerMissing = r.payerMissing || activities.LacksPayer(err)
			c.status.Failure = ""
			c.setWaitingForDecision(ctx)
		} else {
			r.failure = err
		}
		return DecideResult{}, err
	}
	if charge.Recomputed != "" {
		// An earlier attempt of this workflow has charged it, without or by another decision.
		r.charge, r.settled = charge, true
		data := charge.Event.Call
		return DecideResult{}, temporal.NewApplicationError(
			"the call has been charged already, "+data.Amount+" "+data.Currency+", and would now be "+charge.Recomputed+": correct the ledger instead", "AlreadyCharged")
	}
	r.Decided, r.charge = &d, charge
	return newDecideResult(charge, r.Decided), nil
}

func newDecideResult(charge activities.ChargeResult, decided *DecideParams) DecideResult {
	if charge.Event.Call == nil {
		return DecideResult{}
	}
	result := newResult(charge, decided)
	return DecideResult{
		Outcome: result.Outcome, BilledSeconds: result.BilledSeconds, Amount: result.Amount, Currency: result.Currency, LedgerKey: result.LedgerKey,
	}
}
