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

// ChargeParams is a call whose record has been read.
type ChargeParams struct {
	SDKAppID tencent.SDKAppID   `json:"sdk_app_id"`
	Record   tencent.CallRecord `json:"record"`
	// Callback is the hint of the callback, for comparison only.
	Callback *tencent.CallRecord `json:"callback,omitempty"`
	// ReadAt is when the record was read. No call can have ended after it.
	ReadAt time.Time `json:"read_at"`
	// Decided is set when a person decided about the call in a review.
	Decided *Decided `json:"decided,omitempty"`
	// FirstRunID distinguishes this workflow from another one of the same call.
	FirstRunID string `json:"first_run_id"`
	// ObserveLatency: see FetchRecordParams.
	ObserveLatency bool `json:"fresh,omitempty"`
}

// Decided is a decision, the person who made it, and the reason.
type Decided struct {
	billing.Decision
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// ChargeResult is the ledger entry as an event.
type ChargeResult struct {
	LedgerKey string `json:"ledger_key"`
	// AlreadyHandled means that another workflow had charged the call, or that
	// its charge has been corrected.
	AlreadyHandled bool `json:"already_handled"`
	// Differences are those between callback and record.
	Differences []tencent.Difference `json:"differences,omitempty"`
	// Event is to be sent to all Targets, with MessageID.
	Event     notify.Event `json:"event"`
	MessageID string       `json:"message_id"`
	Targets   []string     `json:"targets"`
}

// Charge writes the charge of a call into the ledger, at most once: a second
// attempt, or a second workflow, finds the entry of the first, and a call whose
// charge has been corrected counts as handled. Free calls are entered too.
// Errors: NeedsReview, ChargeConflict, LedgerUnavailable, AppNotConfigured.
func (a *Activities) Charge(ctx context.Context, p ChargeParams) (ChargeResult, error) {
	app, err := a.app(p.SDKAppID)
	if err != nil {
		return ChargeResult{}, err
	}
	entry, inserted, err := a.chargeOnce(ctx, app, p)
	if err != nil {
		a.metrics.countConflict(app.Name, err)
		return ChargeResult{}, defaultType(classify(err), LedgerUnavailable)
	}
	result := newChargeResult(entry)
	result.AlreadyHandled = entry.FirstRunID != p.FirstRunID
	result.Targets = notify.Subscribers(a.subscribers, result.Event)
	a.metrics.countCharge(app.Name, entry, inserted, result.AlreadyHandled)
	if p.ObserveLatency && inserted {
		observeSinceEnd(a.metrics.latency.WithLabelValues(app.Name, "charged"), a.now(), entry.Record)
	}
	if p.Decided != nil && inserted {
		a.metrics.reviews.WithLabelValues(app.Name, string(p.Decided.Verdict)).Inc()
	}
	return result, nil
}

func (a *Activities) chargeOnce(ctx context.Context, app App, p ChargeParams) (ledger.Entry, bool, error) {
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

// newChargeResult derives the result from the entry alone, so that it is the
// same in every attempt.
func newChargeResult(e ledger.Entry) ChargeResult {
	event, id := EventOf(e)
	return ChargeResult{LedgerKey: e.Key, Differences: e.Differences, MessageID: id, Event: event}
}
