package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

// Evidence reads what was seen of a call; *evidence.Store implements it.
type Evidence interface {
	OfCall(ctx context.Context, c evidence.Call) ([]evidence.Event, error)
}

// ReadEvidence charges participant minutes by what store has, once wait is over since the
// end of the call: events may come that late. Without it such calls are not charged.
// Call it before the first activity.
func (a *Activities) ReadEvidence(store Evidence, wait time.Duration) {
	a.evidence, a.evidenceWait = store, wait
}

const (
	// minEvidenceWait is the shortest wait for late events that is worth a timer.
	minEvidenceWait = time.Second
	// MaxEvents is how many events a call is charged by. A call of 500 members, each of
	// whom both sources saw join and leave five times, has as many; the charge keeps them.
	MaxEvents = 10_000
	// maxCarriedEvents is how many events a ChargeResult carries, about 60 KiB.
	maxCarriedEvents = 500
	// evidenceReserve is left of the attempt's time when the store has not answered, so
	// that the failure says so, and not that the attempt took too long.
	evidenceReserve = 500 * time.Millisecond
)

// seen is what was seen of the call, if it is charged by that. While more can come, it is
// nothing but the time to wait. A call that has been charged already was charged by
// what was seen until then, and by nothing that came later.
// Errors: EvidenceUnavailable, NeedsReview and those of the ledger.
func (a *Activities) seen(ctx context.Context, app App, p ChargeParams) (seen []attendance.Event, wait time.Duration, err error) {
	if !p.needsEvidence(app.Rater) {
		return nil, 0, nil
	}
	entries, err := a.ledger.Get(ctx, app.ID, p.Record.CallID)
	if err != nil {
		return nil, 0, err
	}
	if i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Kind == ledger.KindCharge }); i >= 0 {
		return entries[i].Charge.Evidence, 0, nil
	}
	if p.Decided == nil && !p.EvidenceAwaited {
		left := min(p.Record.EndedAt().Add(a.evidenceWait).Sub(a.now()), a.evidenceWait)
		if left >= minEvidenceWait {
			return nil, left, nil
		}
	}
	if a.evidence == nil {
		return nil, 0, evidenceUnavailable(errors.New("this worker reads no evidence"))
	}
	call := evidence.CallOf(app.ID, p.Record)
	call.Others, call.Limit = p.Unrecorded != "", MaxEvents
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-evidenceReserve))
		defer cancel()
	}
	events, err := a.evidence.OfCall(ctx, call)
	switch {
	case errors.Is(err, evidence.ErrTooMany):
		return nil, 0, tooMuchEvidence(app.Rater.AsksRoomOwner(p.Record))
	case err != nil:
		return nil, 0, evidenceUnavailable(err)
	}
	if call.Others && sharesRoom(events, p.Record.CallID) {
		return nil, 0, errSharedRoom
	}
	return Seen(events), 0, nil
}

// tooMuchEvidence is a review: so many events can be no call's, but a room's that never
// closes, or a mistake.
func tooMuchEvidence(ownerPays bool) error {
	review := &billing.ReviewError{Reasons: []billing.Reason{{
		Code: billing.ReasonTooMuchEvidence,
		Text: fmt.Sprintf("more than %d events were seen of it and its room, too many to charge by: look at them with aftercall evidence list, and decide charge-as or waive", MaxEvents),
	}}}
	if ownerPays {
		review.Reasons = append(review.Reasons, billing.Reason{Code: billing.ReasonNoPayer, Text: "so it is not known who opened the room: name the payer"})
	}
	return review
}

func evidenceUnavailable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return retryAfter(0, EvidenceUnavailable, fmt.Errorf("what was seen of the call cannot be read: %w", err))
}

// needsEvidence reports whether the charge is made by what was seen. A decision can be
// carried out by another rule than that of the record.
func (p ChargeParams) needsEvidence(rater *billing.Rater) bool {
	switch d := p.Decided; {
	case p.Unrecorded != "":
		return p.Unrecorded == billing.UnrecordedEvidence
	case d != nil && d.Verdict == billing.VerdictCharge && rater.ByMinutes():
		return true
	case d != nil:
		return d.Verdict != billing.VerdictWaive && !d.PayerNamed && rater.AsksRoomOwner(p.Record)
	}
	return rater.NeedsEvidence(p.Record)
}

// Seen are those of the events that say when somebody joined or left a call, or opened its
// room.
func Seen(events []evidence.Event) []attendance.Event {
	var seen []attendance.Event
	for _, e := range events {
		kind := attendance.Kind(e.Kind)
		if (kind == attendance.Opened || slices.Contains(attendance.Kinds, kind)) && e.User != "" {
			seen = append(seen, attendance.Event{
				ID: strconv.FormatInt(e.ID, 10), Source: attendance.Source(e.Source), User: e.User, Kind: kind, At: e.At,
			})
		}
	}
	return seen
}

// carry adds what the charge was made from to the result, so that the entry can be
// restored from the history.
func (r *ChargeResult) carry(seen []attendance.Event) {
	if len(seen) > maxCarriedEvents {
		r.EvidenceLeftOut = true
		return
	}
	r.Evidence = seen
}
