package notify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func viewOf(t *testing.T, e Event) View {
	t.Helper()
	s := &setup{}
	f := s.format(TextOptions{TimeZone: "Asia/Shanghai"}, plain)
	require.Empty(t, s.problems)
	v, err := f.view(e)
	require.NoError(t, err)
	return v
}

func TestViewOfACall(t *testing.T) {
	event := sample(t, EventCallReversed)
	event.Call.Revision = 2
	v := viewOf(t, event)
	shanghai := v.Time.Location()
	require.Equal(t, "Asia/Shanghai", shanghai.String())
	at := func(minute, second int) time.Time { return time.Date(2026, 3, 1, 19, minute, second, 0, shanghai) }
	require.Equal(t, View{
		Type: EventCallReversed, Time: time.Date(2026, 3, 1, 20, 0, 5, 211e6, shanghai), App: "clinic", SDKAppID: "1400000000",
		CallID: "055662e1-bc8a-469c-a334-1126c8c17d58", Caller: "patient-1001", Payer: "patient-1001",
		Members: []string{"patient-1001", "doctor-17"}, Others: []string{"doctor-17"},
		RoomID: "consultation-1001", Media: "Audio", CallType: "SingleCall", Result: "NormalEnd",
		Started: at(58, 51), Accepted: at(58, 59), Ended: at(60, 0), Connected: 61 * time.Second, Billed: 2 * time.Minute,
		Amount: "-$0.24", Number: "-0.24", Currency: "USD", Tariff: "consultation", Explanation: event.Call.Explanation,
		LedgerKey: event.Call.LedgerKey, Revision: 2, Reverses: event.Call.Reverses, Reason: "wrong tariff", Operator: "alice",
	}, v)
}

// TestViewOfThePayer: an event without payer is paid by the caller, and a review by nobody.
func TestViewOfThePayer(t *testing.T) {
	event := sample(t, EventCallCharged)
	event.Call.Payer = "doctor-17"
	v := viewOf(t, event)
	require.Equal(t, []string{"patient-1001", "doctor-17"}, []string{v.Caller, v.Payer})
	require.Contains(t, rendered(t, "", "", "", event), "tariff consultation, paid by doctor-17\n")
	event.Call.Payer = ""
	require.NotContains(t, rendered(t, "", "", "", event), "paid by")
	require.Empty(t, viewOf(t, sample(t, EventCallReview)).Payer)
}

func TestViewOfAnAdjustment(t *testing.T) {
	v := viewOf(t, sample(t, EventCallAdjusted))
	require.Equal(t, 1, v.Adjustment)
	require.Zero(t, v.Revision)
	require.Equal(t, "-$0.10", v.Amount)
	require.Equal(t, "alice", v.Operator)
}

func TestViewOfABurst(t *testing.T) {
	event := sample(t, EventReviewBurst)
	v := viewOf(t, event)
	shanghai := v.Time.Location()
	require.Equal(t, View{
		Type: EventReviewBurst, Time: time.Date(2026, 3, 1, 20, 0, 5, 211e6, shanghai), App: "clinic", SDKAppID: "1400000000",
		Reviews: 49, Examples: event.Burst.Examples, Command: event.Burst.Command,
		From: time.Date(2026, 3, 1, 19, 50, 5, 211e6, shanghai), To: time.Date(2026, 3, 1, 20, 0, 5, 211e6, shanghai),
	}, v)
}

func TestViewOfASweep(t *testing.T) {
	event := sample(t, EventSweepRecovered)
	event.Sweep.Failed = 3
	v := viewOf(t, event)
	shanghai := v.Time.Location()
	require.Equal(t, View{
		Type: EventSweepRecovered, Time: time.Date(2026, 3, 1, 20, 0, 5, 211e6, shanghai), App: "clinic", SDKAppID: "1400000000",
		Listed: 40, Known: 38, Recovered: 2, Failed: 3, Examples: event.Sweep.Examples,
		From: time.Date(2026, 3, 1, 14, 0, 5, 211e6, shanghai), To: time.Date(2026, 3, 1, 20, 0, 5, 211e6, shanghai),
	}, v)
}

func TestAnAmountThatIsNone(t *testing.T) {
	event := sample(t, EventCallCharged)
	event.Call.Amount = "a lot"
	_, err := (&setup{}).message("text", "{{ .Amount }}", "", TextOptions{}, plain, 0).render(event)
	require.ErrorContains(t, err, "amount of the event")
}
