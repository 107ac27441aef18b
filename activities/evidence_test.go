package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// fakeEvidence is a store of evidence.
type fakeEvidence struct {
	events []evidence.Event
	err    error
	asked  []evidence.Call
	// early is how long before the end of the attempt the last question had to be answered.
	early time.Duration
}

func (f *fakeEvidence) OfCall(ctx context.Context, c evidence.Call) ([]evidence.Event, error) {
	f.asked = append(f.asked, c)
	if answerBy, ok := ctx.Deadline(); ok {
		f.early = activity.GetInfo(ctx).Deadline.Sub(answerBy)
	}
	return f.events, f.err
}

// sees adds what the room says: that doctor-17 joined and left, in seconds after AcceptTime.
func (f *fakeEvidence) sees(joined, left int) {
	for kind, after := range map[evidence.Kind]int{evidence.KindJoined: joined, evidence.KindLeft: left} {
		f.events = append(f.events, evidence.Event{
			ID: int64(len(f.events) + 1), SDKAppID: clinic, Source: evidence.SourceRoom, RoomID: "1", RoomIDType: 2, User: "doctor-17", Kind: kind,
			At: time.Unix(record().AcceptTime+int64(after), 0),
		})
	}
}

const evidenceWait = 90 * time.Second

// minutesFixture charges Offline calls after a review and all others by participant minutes.
func minutesFixture(t *testing.T) (*fixture, *fakeEvidence) {
	t.Helper()
	f := newFixture(t)
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	rule := billing.Rule{RatePerMinute: price, FirstInterval: 60, NextInterval: 60, Per: billing.PerParticipantMinute}
	rule.Results = []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultInterrupt}
	rater, err := billing.NewRater("consultation", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: endedAt.AddDate(-1, 0, 0),
		Evidence:      &billing.Evidence{Use: attendance.UseEarliestLeave, Without: billing.WithoutParticipant},
		Rules:         []billing.Rule{rule, {Results: []tencent.CallResult{tencent.ResultOffline}, Action: billing.ActionReview}},
	}}})
	require.NoError(t, err)
	app := f.acts.apps[clinic]
	app.Rater = rater
	f.acts.apps[clinic] = app
	store := &fakeEvidence{}
	f.acts.ReadEvidence(store, evidenceWait)
	return f, store
}

// TestChargeByEvidence: the charge waits for late events once, is made from those that
// there are then, and from no others in a later attempt.
func TestChargeByEvidence(t *testing.T) {
	f, store := minutesFixture(t)
	p := params("run-1")
	waits, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, 80*time.Second, waits.EvidenceWait, "10 s after the end")
	require.Empty(t, waits.LedgerKey)
	require.Empty(t, store.asked)

	store.sees(1, 31)
	store.events = append(store.events, evidence.Event{Kind: evidence.KindOpened, Source: evidence.SourceRoom, At: endedAt}, evidence.Event{
		Kind: evidence.KindCalled, Source: evidence.SourceCallback, User: "doctor-17", At: endedAt,
	})
	p.EvidenceAwaited = true
	charged, err := f.charge(p)
	require.NoError(t, err)
	require.Zero(t, charged.EvidenceWait)
	require.Equal(t, "0.36", charged.Event.Call.Amount, "two minutes of the caller, and one of the doctor")
	wanted := evidence.CallOf(clinic, record())
	wanted.Limit = MaxEvents
	require.Equal(t, []evidence.Call{wanted}, store.asked)
	require.Equal(t, map[string]int64{"patient-1001": 61, "doctor-17": 30}, charged.Event.Call.MemberSeconds)
	require.Len(t, charged.Evidence, 2)
	require.False(t, charged.EvidenceLeftOut)

	store.sees(40, 55)
	again, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, charged, again)
	require.Empty(t, again.Recomputed)
	other := params("run-2") // of a sweep, which need not wait
	handled, err := f.charge(other)
	require.NoError(t, err)
	require.True(t, handled.AlreadyHandled)
	require.Len(t, store.asked, 1)

	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, charged.Evidence, entries[0].Charge.Evidence)
	require.Equal(t, map[string]int64{"patient-1001": 61, "doctor-17": 30}, entries[0].Charge.MemberSeconds())
}

// TestNothingWasSeen: that is only true if the store says so.
func TestNothingWasSeen(t *testing.T) {
	f, store := minutesFixture(t)
	f.acts.now = func() time.Time { return endedAt.Add(evidenceWait) }
	store.err = errors.New("connection refused")
	_, err := f.charge(params("run-1"))
	require.Equal(t, EvidenceUnavailable, appError(t, err).Type())
	require.True(t, Retryable(err))
	require.True(t, IsWithoutEvidence(err))
	require.ErrorContains(t, err, "connection refused")
	require.Equal(t, evidenceReserve, store.early, "a store that hangs has failed before the attempt has")
	f.acts.ReadEvidence(nil, evidenceWait)
	_, err = f.charge(params("run-1"))
	require.Equal(t, EvidenceUnavailable, appError(t, err).Type())
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Empty(t, entries)

	store.err = nil
	f.acts.ReadEvidence(store, evidenceWait)
	charged, err := f.charge(params("run-1"))
	require.NoError(t, err)
	require.Equal(t, "0.24", charged.Event.Call.Amount, "as per: participant")
	require.Empty(t, charged.Evidence)
	store.sees(1, 31) // too late
	again, err := f.charge(params("run-1"))
	require.NoError(t, err)
	require.Equal(t, charged, again)
}

// TestDecisionsByEvidence: a decision does not wait, and needs events also where the
// rule for the record does not.
func TestDecisionsByEvidence(t *testing.T) {
	f, store := minutesFixture(t)
	store.sees(1, 31)
	p := params("run-1")
	p.Record.Result = tencent.ResultOffline
	_, err := f.charge(p)
	require.Equal(t, NeedsReview, appError(t, err).Type())
	require.Empty(t, store.asked)
	p.Decided = &Decided{Decision: billing.Decision{Verdict: billing.VerdictCharge}, By: "night shift", Reason: "the log"}
	charged, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, "0.36", charged.Event.Call.Amount)

	f, store = minutesFixture(t)
	p.Decided.Decision = billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 61}
	_, err = f.charge(p)
	require.NoError(t, err)
	require.Empty(t, store.asked)
}

// TestOtherTariffsReadNoEvidence: they neither wait nor depend on its store.
func TestOtherTariffsReadNoEvidence(t *testing.T) {
	f := newFixture(t)
	store := &fakeEvidence{err: errors.New("down")}
	f.acts.ReadEvidence(store, evidenceWait)
	charged, err := f.charge(params("run-1"))
	require.NoError(t, err)
	require.Equal(t, "0.24", charged.Event.Call.Amount)
	require.Empty(t, store.asked)
}

// TestMuchEvidenceIsNotCarried: the ledger has all of it, and Temporal has limits.
func TestMuchEvidenceIsNotCarried(t *testing.T) {
	f, store := minutesFixture(t)
	for i := range maxCarriedEvents/2 + 1 {
		store.events = append(store.events, evidence.Event{
			ID: int64(i), Source: evidence.SourceRoom, User: "doctor-17", Kind: evidence.KindJoined, At: time.UnixMilli(record().AcceptTime*1000 + int64(2*i)),
		}, evidence.Event{
			ID: int64(1000 + i), Source: evidence.SourceRoom, User: "doctor-17", Kind: evidence.KindLeft, At: time.UnixMilli(record().AcceptTime*1000 + int64(2*i+1)),
		})
	}
	p := params("run-1")
	p.EvidenceAwaited = true
	charged, err := f.charge(p)
	require.NoError(t, err)
	require.True(t, charged.EvidenceLeftOut)
	require.Empty(t, charged.Evidence)
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Len(t, entries[0].Charge.Evidence, maxCarriedEvents+2)
}

// TestTooMuchEvidenceIsReviewed: the call does not wait for what no attempt can read, and a
// person can charge it.
func TestTooMuchEvidenceIsReviewed(t *testing.T) {
	f, store := minutesFixture(t)
	store.err = fmt.Errorf("read: %w", evidence.ErrTooMany)
	p := params("run-1")
	p.EvidenceAwaited = true
	_, err := f.charge(p)
	require.Equal(t, NeedsReview, appError(t, err).Type())
	require.False(t, Retryable(err))
	require.ErrorContains(t, err, "more than 10000 events")
	require.ErrorContains(t, err, "decide charge-as")
	require.False(t, LacksPayer(err))

	p.Decided = &Decided{Decision: billing.Decision{Verdict: billing.VerdictCharge}, By: "night shift", Reason: "the log"}
	_, err = f.charge(p)
	require.Equal(t, NeedsReview, appError(t, err).Type(), "it confirms the record by what was seen")
	p.Decided.Decision = billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 61}
	charged, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, "0.24", charged.Event.Call.Amount)
	require.Empty(t, charged.Event.Call.MemberSeconds)
}

// TestTooMuchEvidenceOfThePayer: then the person names the payer, too.
func TestTooMuchEvidenceOfThePayer(t *testing.T) {
	f, store := minutesFixture(t)
	app := f.acts.apps[clinic]
	var err error
	app.Rater, err = app.Rater.PaidBy(billing.Payers{{Is: "room_owner"}})
	require.NoError(t, err)
	f.acts.apps[clinic] = app
	store.err = evidence.ErrTooMany
	p := params("run-1")
	p.EvidenceAwaited = true
	_, err = f.charge(p)
	require.Equal(t, NeedsReview, appError(t, err).Type())
	require.True(t, LacksPayer(err))
	require.ErrorContains(t, err, "name the payer")
	p.Decided = &Decided{By: "night shift", Reason: "the log", Decision: billing.Decision{
		Verdict: billing.VerdictChargeAs, ConnectedSeconds: 61, PayerNamed: true, Payer: "doctor-17",
	}}
	charged, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, "doctor-17", charged.Event.Call.Payer)
}

// TestShortWaitsNeedNoTimer: what is left of the wait is not worth it.
func TestShortWaitsNeedNoTimer(t *testing.T) {
	for left, waits := range map[time.Duration]bool{999 * time.Millisecond: false, time.Second: true, time.Hour: true} {
		f, _ := minutesFixture(t)
		f.acts.now = func() time.Time { return endedAt.Add(evidenceWait - left) }
		result, err := f.charge(params("run-1"))
		require.NoError(t, err)
		require.Equal(t, waits, result.EvidenceWait > 0, left)
		require.LessOrEqual(t, result.EvidenceWait, evidenceWait, "whatever the clocks say")
	}
}

func appError(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var appErr *temporal.ApplicationError
	require.ErrorAs(t, err, &appErr)
	return appErr
}
