package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// witnesses are the events of both sources about the call of record.
type witnesses struct {
	events []evidence.Event
	asked  evidence.Call
	err    error
}

func (w *witnesses) OfCall(_ context.Context, c evidence.Call) ([]evidence.Event, error) {
	w.asked = c
	return w.events, w.err
}

func bothSaw() []evidence.Event {
	event := func(id int64, source evidence.Source, user string, kind evidence.Kind, after time.Duration) evidence.Event {
		e := evidence.Event{ID: id, SDKAppID: clinic, Source: source, User: user, Kind: kind, At: endedAt.Add(after)}
		if source == evidence.SourceCallback {
			e.CallID = "call-1"
		}
		return e
	}
	room, callback := evidence.SourceRoom, evidence.SourceCallback
	return []evidence.Event{
		event(1, room, "patient-1001", evidence.KindOpened, -70*time.Second),
		event(2, room, "patient-1001", evidence.KindJoined, -70*time.Second),
		event(3, room, "doctor-17", evidence.KindJoined, -61*time.Second),
		event(4, callback, "doctor-17", evidence.KindJoined, -61*time.Second),
		event(5, callback, "doctor-17", evidence.KindLeft, 0),
		event(6, room, "doctor-17", evidence.KindLeft, 0),
		event(7, room, "patient-1001", evidence.KindLeft, 0),
	}
}

// unrecorded is a call that has no record.
func unrecorded(how billing.Unrecorded) ChargeParams {
	p := params("run-1")
	p.Record.RoomID, p.Record.RoomIDType = "room", 2
	claim := p.Record
	p.Callback, p.Unrecorded = &claim, how
	p.ReadAt = endedAt.Add(30 * time.Minute)
	return p
}

func TestChargeWithoutRecord(t *testing.T) {
	t.Run("by evidence", func(t *testing.T) {
		f := newFixture(t)
		w := &witnesses{events: bothSaw()}
		f.acts.ReadEvidence(w, 90*time.Second)
		f.acts.now = func() time.Time { return endedAt.Add(30 * time.Minute) }
		for range 2 {
			result, err := f.charge(unrecorded(billing.UnrecordedEvidence))
			require.NoError(t, err)
			require.Equal(t, "0.24", result.Event.Call.Amount)
			require.Equal(t, billing.UnrecordedEvidence, result.Unrecorded)
			require.Equal(t, notify.EventCallCharged, result.Event.Type)
		}
		require.True(t, w.asked.Others)
		require.Equal(t, tencent.RoomID("room"), w.asked.RoomID)
		entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, "patient-1001", entries[0].Payer())
		require.Len(t, entries[0].Charge.Evidence, 7)
		require.Empty(t, entries[0].Operator)
		var findings []ledger.Finding
		_, err = f.ledger.Verify(t.Context(), ledger.Evidence{}, func(found ledger.Finding) { findings = append(findings, found) }, nil)
		require.NoError(t, err)
		require.Empty(t, findings)
	})
	t.Run("for nothing", func(t *testing.T) {
		f := newFixture(t)
		result, err := f.charge(unrecorded(billing.UnrecordedFree))
		require.NoError(t, err)
		require.Equal(t, notify.EventCallFree, result.Event.Type)
		require.Equal(t, "0.00", result.Event.Call.Amount)
		require.Empty(t, result.Event.Call.Caller, "only the callback says who called")
		require.Equal(t, billing.UnrecordedFree, result.Unrecorded)
	})
	shared := bothSaw()
	other := shared[3]
	other.CallID, other.Kind = "call-2", evidence.KindCalled
	for name, c := range map[string]struct {
		events []evidence.Event
		err    error
		want   string
	}{
		"the room saw nothing":      {bothSaw()[3:5], nil, NeedsReview},
		"another call in the room":  {append(shared, other), nil, NeedsReview},
		"the store does not answer": {nil, context.DeadlineExceeded, EvidenceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.acts.ReadEvidence(&witnesses{events: c.events, err: c.err}, 90*time.Second)
			f.acts.now = func() time.Time { return endedAt.Add(30 * time.Minute) }
			_, err := f.charge(unrecorded(billing.UnrecordedEvidence))
			require.Equal(t, c.want, errorType(err))
			entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
			require.NoError(t, err)
			require.Empty(t, entries)
		})
	}
}

// TestNoRecordSaysHow: what the app says goes into the history, and nothing if a person
// decides.
func TestNoRecordSaysHow(t *testing.T) {
	for how, want := range map[billing.Unrecorded]billing.Unrecorded{
		"": "", billing.UnrecordedReview: "", billing.UnrecordedFree: billing.UnrecordedFree, billing.UnrecordedEvidence: billing.UnrecordedEvidence,
	} {
		err := neverAppeared(&tencent.APIError{Code: tencent.CodeRecordNotFound}, how)
		var appErr *temporal.ApplicationError
		require.ErrorAs(t, err, &appErr)
		require.Equal(t, want != "", appErr.HasDetails(), how)
		require.Equal(t, want, ChargedWithoutRecord(err), how)
	}
	require.Empty(t, ChargedWithoutRecord(permanent(NeedsReview, context.Canceled)))
	require.Empty(t, ChargedWithoutRecord(context.Canceled))
}
