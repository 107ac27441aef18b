package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/attendance"
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
	// Unrecorded is set if Tencent has no record of the call, and no person has decided:
	// then Record is what the callback claims.
	Unrecorded billing.Unrecorded `json:"unrecorded,omitempty"`
	// EvidenceAwaited is set after EvidenceWait of an earlier result.
	EvidenceAwaited bool `json:"evidence_awaited,omitempty"`
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
	// EvidenceWait is how long to wait before another attempt, with EvidenceAwaited: the
	// call is charged by what was seen of it, and more can come. Then the result has
	// nothing else.
	EvidenceWait time.Duration `json:"evidence_wait,omitempty"`
	LedgerKey    string        `json:"ledger_key"`
	// AlreadyHandled means that another workflow had charged the call.
	AlreadyHandled bool `json:"already_handled"`
	// Recomputed is what the call would be charged now, if an earlier attempt of
	// this workflow has charged it another sum. The entry of that attempt is the
	// charge all the same. Empty if nothing differs.
	Recomputed string `json:"recomputed,omitempty"`
	// Differences are the fields that differ between callback and record. The values
	// are in the ledger.
	Differences []tencent.Difference `json:"differences,omitempty"`
	// Event is to be sent to all Targets, with MessageID. MembersLeftOut means that
	// its members are those of ChargeParams.Record, which are so many that they are
	// not carried twice.
	Event          notify.Event `json:"event"`
	MembersLeftOut bool         `json:"members_left_out,omitempty"`
	MessageID      string       `json:"message_id"`
	Targets        []string     `json:"targets"`
	// Evidence is what the charge was made from, if it was made from what was seen of the
	// call. EvidenceLeftOut means that there is too much of it, which only the ledger has.
	Evidence        []attendance.Event `json:"evidence,omitempty"`
	EvidenceLeftOut bool               `json:"evidence_left_out,omitempty"`
	// Payer is who pays and why, if the caller does not.
	Payer *billing.Payer `json:"payer,omitempty"`
	// Unrecorded is how the call was charged without a record; empty if it has one, or a
	// person has decided.
	Unrecorded billing.Unrecorded `json:"unrecorded,omitempty"`
}

func (r *ChargeResult) leaveOutMembers(of tencent.CallRecord) {
	call := r.Event.Call
	if of.MembersTotal > 0 && call.MembersTotal == of.MembersTotal && slices.Equal(call.Members, of.Members) {
		call.Members, r.MembersLeftOut = nil, true
	}
}

// Charge writes the charge of a call into the ledger, at most once: a second
// attempt, or a second workflow, finds the entry of the first, also if a person has
// corrected it since. Free calls are entered too.
// Errors: NeedsReview, ChargeConflict, LedgerUnavailable, EvidenceUnavailable, TariffEdited,
// AppNotConfigured.
func (a *Activities) Charge(ctx context.Context, p ChargeParams) (ChargeResult, error) {
	app, err := a.app(ctx, p.SDKAppID)
	if err != nil {
		return ChargeResult{}, err
	}
	carried := p.Record
	if p.Unrecorded == "" {
		if p.Record, err = app.allMembers(ctx, carried); err != nil {
			return ChargeResult{}, err
		}
	}
	seen, wait, err := a.seen(ctx, app, p)
	if err != nil {
		return ChargeResult{}, defaultType(classify(err), LedgerUnavailable)
	}
	if wait > 0 {
		return ChargeResult{EvidenceWait: wait}, nil
	}
	entry, recomputed, inserted, err := a.chargeOnce(ctx, app, p, seen)
	if err != nil {
		a.metrics.countConflict(app.Name, err)
		classified := defaultType(classify(err), LedgerUnavailable)
		a.operators.observe(ctx, a.now(), app.Name, classified, err)
		return ChargeResult{}, classified
	}
	result := a.newChargeResult(entry, p.FirstRunID)
	result.leaveOutMembers(carried)
	result.carry(entry.Charge.Evidence)
	if !result.AlreadyHandled && recomputed != "" {
		result.Recomputed = recomputed
		activity.GetLogger(ctx).Warn("an earlier attempt has charged the call another sum than it would be now; its entry is the charge",
			"app", app.Name, "call_id", p.Record.CallID, "ledger_key", entry.Key, "charged", sumOf(entry), "now", recomputed)
	}
	a.metrics.countCharge(app.Name, entry, inserted, result.AlreadyHandled)
	if p.ObserveLatency && inserted {
		observeSinceEnd(a.metrics.latency.WithLabelValues(app.Name, "charged"), a.now(), entry.Record)
	}
	if p.Decided != nil && inserted {
		a.metrics.reviews.WithLabelValues(app.Name, string(p.Decided.Verdict)).Inc()
	}
	return result, nil
}

// chargeOnce returns the entry of the call. recomputed is what it would be now
// where that is not what the entry has.
func (a *Activities) chargeOnce(ctx context.Context, app App, p ChargeParams, seen []attendance.Event) (entry ledger.Entry, recomputed string, inserted bool, err error) {
	var charge billing.Charge
	p.Record, charge, err = p.Rate(app.Rater, seen...)
	if err != nil {
		// An earlier attempt may have charged the call before its record or the tariff changed.
		own, found, lookupErr := a.ownEntry(ctx, app.ID, p.Record.CallID, p.FirstRunID)
		switch {
		case lookupErr != nil:
			return ledger.Entry{}, "", false, lookupErr
		case found:
			return own, err.Error(), false, nil
		}
		return ledger.Entry{}, "", false, err
	}
	offered := ledger.Entry{
		SDKAppID:   app.ID,
		App:        app.Name,
		Record:     p.Record,
		Charge:     charge,
		WorkflowID: activity.GetInfo(ctx).WorkflowExecution.ID,
		FirstRunID: p.FirstRunID,
	}
	if p.Decided != nil {
		offered.Operator, offered.Reason = p.Decided.By, p.Decided.Reason
	}
	if p.Callback != nil {
		if offered.Differences, err = tencent.Differences(*p.Callback, p.Record); err != nil {
			return ledger.Entry{}, "", false, err
		}
	}
	entry, inserted, err = a.ledger.Charge(ctx, offered)
	if err == nil && !entry.SameSum(offered) {
		recomputed = sumOf(offered)
	}
	return entry, recomputed, inserted, err
}

// sumOf is what an entry charges, for people.
func sumOf(e ledger.Entry) string {
	return fmt.Sprintf("%s for %d s", e.Charge.Amount, e.Charge.BilledSeconds)
}

// ownEntry finds the entry of a call that a workflow itself has booked.
func (a *Activities) ownEntry(ctx context.Context, app tencent.SDKAppID, callID, firstRunID string) (entry ledger.Entry, found bool, err error) {
	entries, err := a.ledger.Get(ctx, app, callID)
	if err != nil {
		return ledger.Entry{}, false, err
	}
	i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.FirstRunID == firstRunID })
	if i < 0 {
		return ledger.Entry{}, false, nil
	}
	return entries[i], true, nil
}

// Rate computes what the call costs by a tariff and by what was seen of it, and the record
// that it is charged by: another one than p.Record only where that is a claim. A call that
// must not be charged without review gives a *billing.ReviewError.
func (p ChargeParams) Rate(rater *billing.Rater, seen ...attendance.Event) (record tencent.CallRecord, charge billing.Charge, err error) {
	if p.Unrecorded != "" {
		return rater.RateUnrecorded(p.Unrecorded, p.Record, p.ReadAt, seen...)
	}
	if p.Decided != nil {
		decision := p.Decided.Decision
		// What a person decided is what is billed.
		decision.Exact = decision.Verdict == billing.VerdictChargeAs
		charge, err = rater.Decide(p.Record, decision, seen...)
		return p.Record, charge, err
	}
	charge, err = rater.Rate(p.Record, p.ReadAt, seen...)
	return p.Record, charge, err
}

// newChargeResult derives the result from the entry alone, so that it is the
// same in every attempt.
func (a *Activities) newChargeResult(e ledger.Entry, firstRunID string) ChargeResult {
	event, id := EventOf(e)
	return ChargeResult{
		LedgerKey: e.Key, AlreadyHandled: e.FirstRunID != firstRunID, Differences: fieldsOf(e.Differences), MessageID: id, Event: event,
		Targets: notify.Subscribers(a.subscribers, event), Payer: e.Charge.Payer(), Unrecorded: e.Charge.Unrecorded(),
	}
}

// fieldsOf leaves the values out, which can be as large as the record.
func fieldsOf(differences []tencent.Difference) []tencent.Difference {
	var fields []tencent.Difference
	for _, d := range differences {
		fields = append(fields, tencent.Difference{Field: d.Field})
	}
	return fields
}
