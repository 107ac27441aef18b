package ops

import (
	"context"
	"errors"
	"slices"

	"aftercall/activities"
	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

// Why a call is not charged by a tariff that needs to know who was in it. That nothing is
// known does not mean that nothing was seen.
const (
	notSeen = "its new tariff charges by what was seen of its members: nothing of that was kept with this charge, nor in the evidence"
	tooMuch = "its new tariff charges by what was seen of its members, and that is too much to charge by"
)

// withEvidence returns the entry with what the rater needs in order to charge it again. What
// the charge kept is used; of one that kept nothing about its members, because its tariff
// did not ask, that is read from the evidence, if its retention still has all of it.
// unknown says why that is impossible. Who opened the room is always what was kept: the
// payer stays the same.
func (r *rerater) withEvidence(ctx context.Context, e ledger.Entry, rater *billing.Rater) (with ledger.Entry, unknown string, err error) {
	if rater, err = rater.PaidAs(nil); err != nil {
		return e, "", err
	}
	own, err := e.Charge.Tariff.Restore()
	if err != nil {
		return e, "", err
	}
	opened := attendance.Openings(e.Charge.Evidence)
	kept := len(opened) < len(e.Charge.Evidence)
	if kept || e.Charge.Unrecorded() != "" || !needsEvidence(rater, e) || needsEvidence(own, e) {
		return e, "", nil
	}
	call := evidence.CallOf(e.SDKAppID, e.Record)
	call.Limit = activities.MaxEvents
	if app, found := r.cfg.App(e.SDKAppID); !found || !app.Evidence.On() || call.From.Before(r.now(ctx).Add(-r.cfg.EvidenceRetention())) {
		return e, notSeen, nil
	}
	if r.seen == nil {
		if r.seen, err = r.evidenceStore(ctx); err != nil {
			return e, "", err
		}
	}
	events, err := ask(ctx, func(ctx context.Context) ([]evidence.Event, error) { return r.seen.OfCall(ctx, call) })
	switch {
	case errors.Is(err, evidence.ErrTooMany):
		return e, tooMuch, nil
	case err != nil:
		return e, "", Errorf(Failed, "is the database of the evidence up?", "%w", err)
	}
	seen := slices.DeleteFunc(activities.Seen(events), func(seen attendance.Event) bool { return seen.Kind == attendance.Opened })
	if len(seen) == 0 {
		return e, notSeen, nil
	}
	e.Charge.Evidence = append(seen, opened...)
	return e, "", nil
}

// needsEvidence reports whether the rater charges the entry by who was seen in its call. A
// person's decision can be carried out by another rule than that of the record.
func needsEvidence(rater *billing.Rater, e ledger.Entry) bool {
	if d := e.Charge.Decision(); d != nil {
		return d.Verdict == billing.VerdictCharge && rater.ByMinutes()
	}
	return rater.NeedsEvidence(e.Record)
}
