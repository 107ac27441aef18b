package attendance_test

import (
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyCall draws a call and events that have nothing to do with each other.
func anyCall(t *rapid.T) (tencent.CallRecord, []attendance.Event, attendance.Policy) {
	record := group()
	record.EndTime = accepted + rapid.Int64Range(0, 40).Draw(t, "seconds")
	event := rapid.Custom(func(t *rapid.T) attendance.Event {
		return attendance.Event{
			ID:     rapid.StringMatching(`[0-9]{0,2}`).Draw(t, "id"),
			Source: rapid.SampledFrom([]attendance.Source{attendance.SourceRoom, attendance.SourceCallback}).Draw(t, "source"),
			User:   rapid.SampledFrom([]string{"caller", "a", "b", "robot"}).Draw(t, "user"),
			Kind:   rapid.SampledFrom(attendance.Kinds).Draw(t, "kind"),
			At:     at(rapid.Int64Range(-5000, 45_000).Draw(t, "at")),
		}
	})
	return record, rapid.SliceOfN(event, 0, 30).Draw(t, "events"), attendance.Policy{
		Tolerance: time.Duration(rapid.Int64Range(0, 10_000).Draw(t, "tolerance")) * time.Millisecond,
		Sources:   rapid.IntRange(0, 2).Draw(t, "sources"),
		Use:       rapid.SampledFrom(attendance.Uses).Draw(t, "use"),
	}
}

// TestWithinTheCall: no time is negative or more than the call's, and intervals are in
// order, within the call, and as long as the seconds say.
func TestWithinTheCall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record, events, policy := anyCall(t)
		a := attendance.Of(record, events, policy)
		require.Len(t, a.Members, 3)
		for _, m := range a.Members {
			require.GreaterOrEqual(t, m.Seconds, int64(0))
			require.LessOrEqual(t, m.Seconds, record.ConnectedSeconds())
			last, length := at(0), time.Duration(0)
			for i, interval := range m.Intervals {
				require.True(t, interval.To.After(interval.From))
				require.True(t, interval.From.After(last) || i == 0 && !interval.From.Before(last), "%v", m.Intervals)
				last, length = interval.To, length+interval.To.Sub(interval.From)
			}
			require.False(t, last.After(time.Unix(record.EndTime, 0)))
			require.Equal(t, int64(length/time.Second), m.Seconds)
		}
	})
}

// TestIndependentOfOrderAndDuplicates: late events, repeated ones and those that are
// kept with a charge give the same.
func TestIndependentOfOrderAndDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record, events, policy := anyCall(t)
		want := attendance.Of(record, events, policy)
		again := events
		if len(events) > 0 {
			again = append(again, rapid.SliceOf(rapid.SampledFrom(events)).Draw(t, "duplicates")...)
		}
		require.Equal(t, want, attendance.Of(record, rapid.Permutation(again).Draw(t, "order"), policy))
		require.Equal(t, want, attendance.Of(record, want.Events, policy))
	})
}

// TestNextCallChangesNothing: whatever a source says of a member from joining after the
// end on.
func TestNextCallChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record, events, policy := anyCall(t)
		var before, after []attendance.Event
		for _, e := range events {
			if length := time.Duration(record.ConnectedSeconds()) * time.Second; e.At.Sub(at(0)) <= length {
				before = append(before, e)
			}
		}
		source := rapid.SampledFrom([]attendance.Source{attendance.SourceRoom, attendance.SourceCallback}).Draw(t, "of")
		for i, offset := range rapid.SliceOfN(rapid.Int64Range(1, 90_000), 1, 10).Draw(t, "after") {
			kind := rapid.SampledFrom(attendance.Kinds).Draw(t, "then")
			if i == 0 {
				kind = attendance.Joined
			} else {
				offset += after[0].At.UnixMilli() - record.EndTime*1000
			}
			after = append(after, attendance.Event{Source: source, User: "a", Kind: kind, At: time.UnixMilli(record.EndTime*1000 + offset).UTC()})
		}
		require.Equal(t, attendance.Of(record, before, policy), attendance.Of(record, append(before, after...), policy))
	})
}

// TestStableUnderALateDuplicate: one more message about what is known changes no time,
// also under another ID or with a time below the millisecond.
func TestStableUnderALateDuplicate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record, events, policy := anyCall(t)
		if len(events) == 0 {
			return
		}
		late := rapid.SampledFrom(events).Draw(t, "late")
		late.ID, late.At = "late", late.At.Add(999*time.Microsecond).In(time.FixedZone("", 3600))
		want, got := attendance.Of(record, events, policy), attendance.Of(record, append(events, late), policy)
		require.Equal(t, seconds(want), seconds(got))
		require.Equal(t, want.Disagreements, got.Disagreements)
		require.Len(t, got.Events, len(want.Events))
	})
}

// TestWaysToDecide: the earliest leaving gives the least, the record the most.
func TestWaysToDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		record, events, policy := anyCall(t)
		var results [3]attendance.Attendance
		for i, use := range []attendance.Use{attendance.UseEarliestLeave, attendance.UseLongest, attendance.UseRecord} {
			policy.Use = use
			results[i] = attendance.Of(record, events, policy)
			require.Equal(t, problems(results[0]), problems(results[i]))
		}
		for i := range results[0].Members {
			require.LessOrEqual(t, results[0].Members[i].Seconds, results[1].Members[i].Seconds)
			require.LessOrEqual(t, results[1].Members[i].Seconds, results[2].Members[i].Seconds)
			require.False(t, results[1].Members[i].Witnessed && !results[0].Members[i].Witnessed)
		}
	})
}
