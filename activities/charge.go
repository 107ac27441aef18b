package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// ChargeParams are a call whose record is known.
type ChargeParams struct {
	SDKAppID tencent.SDKAppID   `json:"sdk_app_id"`
	Record   tencent.CallRecord `json:"record"`
	// Callback is what the callback claimed, for comparison only.
	Callback *tencent.CallRecord `json:"callback,omitempty"`
	// ReadAt is when the record was read. No call can have ended after it.
	ReadAt time.Time `json:"read_at"`
	// Decided is set when a person decided about the call after a review.
	Decided *Decided `json:"decided,omitempty"`
	// FirstRunID tells this workflow from another one of the same call.
	FirstRunID string `json:"first_run_id"`
	// Fresh as in FetchRecordParams.
	Fresh bool `json:"fresh,omitempty"`
}

// Decided is a decision with who made it and why.
type Decided struct {
	billing.Decision
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// ChargeResult is the ledger's entry, in the form in which others hear of it.
type ChargeResult struct {
	LedgerKey string `json:"ledger_key"`
	// AlreadyHandled says that another workflow had booked the call, or that a
	// person has corrected its charge.
	AlreadyHandled bool `json:"already_handled"`
	// Differences are where the callback differed from the record.
	Differences []tencent.Difference `json:"differences,omitempty"`
	// Event is for every one of Targets, under MessageID.
	Event     notify.Event `json:"event"`
	MessageID string       `json:"message_id"`
	Targets   []string     `json:"targets"`
}

// Charge books a call into the ledger, once for ever: a second attempt, or a
// second workflow, finds the entry of the first, and a call whose charge a
// person has corrected since counts as handled. Calls that cost nothing are
// booked too. Errors: NeedsReview, ChargeConflict, LedgerUnavailable,
// AppNotConfigured.
func (a *Activities) Charge(ctx context.Context, p ChargeParams) (ChargeResult, error) {
	app, err := a.app(p.SDKAppID)
	if err != nil {
		return ChargeResult{}, err
	}
	entry, inserted, err := a.book(ctx, app, p)
	if err != nil {
		a.metrics.notCharged(app.Name, err)
		return ChargeResult{}, orElse(classify(err), LedgerUnavailable)
	}
	result := describe(entry)
	result.AlreadyHandled = entry.FirstRunID != p.FirstRunID
	result.Targets = a.subscribers(result.Event)
	a.metrics.charged(app.Name, entry, inserted, result.AlreadyHandled)
	if p.Fresh && inserted {
		took(a.metrics.latency.WithLabelValues(app.Name, "charged"), a.now(), entry.Record)
	}
	if p.Decided != nil && inserted {
		a.metrics.reviews.WithLabelValues(app.Name, string(p.Decided.Verdict)).Inc()
	}
	return result, nil
}

func (a *Activities) book(ctx context.Context, app App, p ChargeParams) (ledger.Entry, bool, error) {
	charge, err := rate(app, p)
	if err != nil {
		return ledger.Entry{}, false, err
	}
	entry := ledger.Entry{
		SDKAppID:   app.ID,
		App:        app.Name,
		Record:     p.Record,
		Charge:     charge,
		WorkflowID: activity.GetInfo(ctx).WorkflowExecution.ID,
		FirstRunID: p.FirstRunID,
	}
	if p.Decided != nil {
		entry.Operator, entry.Reason = p.Decided.By, p.Decided.Reason
	}
	if p.Callback != nil {
		if entry.Differences, err = tencent.Differences(*p.Callback, p.Record); err != nil {
			return ledger.Entry{}, false, err
		}
	}
	return a.ledger.Charge(ctx, entry)
}

func rate(app App, p ChargeParams) (billing.Charge, error) {
	if p.Decided != nil {
		return app.Rater.Decide(p.Record, p.Decided.Decision)
	}
	return app.Rater.Rate(p.Record, p.ReadAt)
}

// describe makes the result from the entry alone, so that it is the same in
// every attempt.
func describe(e ledger.Entry) ChargeResult {
	event, id := EventOf(e)
	return ChargeResult{LedgerKey: e.Key, Differences: e.Differences, MessageID: id, Event: event}
}
