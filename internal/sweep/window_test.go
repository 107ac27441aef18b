package sweep

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at returns the time so many minutes after now.
func at(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }

// earliest is the first second that Tencent still lists at now.
var earliest = time.Date(2026, 2, 22, 12, 0, 1, 0, time.UTC)

func TestWindows(t *testing.T) {
	hours := Settings{Settle: 2 * time.Minute, Overlap: 10 * time.Minute, MaxWindow: time.Hour}
	long := Settings{Settle: 2 * time.Minute, Overlap: 10 * time.Minute, MaxWindow: 30 * 24 * time.Hour}
	half := 500 * time.Millisecond
	tests := map[string]struct {
		sweptTo, goLive, now time.Time
		settings             Settings
		want                 []Window
	}{
		"five minutes later":                               {at(-7), time.Time{}, now, hours, []Window{{at(-17), at(-2)}}},
		"nothing has settled":                              {at(-2), time.Time{}, now, hours, nil},
		"one second has settled":                           {at(-2).Add(-time.Second), time.Time{}, now, hours, []Window{{at(-12).Add(-time.Second), at(-2)}}},
		"the clock went back":                              {at(10), time.Time{}, now, hours, nil},
		"after an outage of hours":                         {at(-122), time.Time{}, now, hours, []Window{{at(-132), at(-72)}, {at(-72), at(-12)}, {at(-12), at(-2)}}},
		"after an outage of weeks":                         {now.AddDate(0, -1, 0), time.Time{}, now, long, []Window{{earliest, at(-2)}}},
		"first sweep":                                      {time.Time{}, time.Time{}, now, long, []Window{{earliest, at(-2)}}},
		"first sweep with go_live":                         {time.Time{}, at(-60), now, long, []Window{{at(-70), at(-2)}}},
		"go_live in the future":                            {time.Time{}, at(60), now, hours, nil},
		"go_live is not considered once there is progress": {at(-7), at(-60), now, hours, []Window{{at(-17), at(-2)}}},
		"fractions of a second":                            {at(-7).Add(half), time.Time{}, now.Add(half), hours, []Window{{at(-17), at(-2)}}},
		"fractions at the limit of Reach":                  {time.Time{}, time.Time{}, now.Add(half), long, []Window{{earliest, at(-2)}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, Windows(tt.sweptTo, tt.goLive, tt.now, tt.settings))
		})
	}
}

func TestBackfillWindows(t *testing.T) {
	day := Settings{Settle: time.Hour, Overlap: time.Hour, MaxWindow: 24 * time.Hour}
	month := Settings{MaxWindow: 30 * 24 * time.Hour}
	require.Equal(t, []Window{{at(-90), at(-10)}}, BackfillWindows(Window{at(-90), at(-10)}, now, day), "neither overlap nor settle delay")
	require.Equal(t, []Window{{earliest, at(-10)}}, BackfillWindows(Window{now.AddDate(0, -1, 0), at(-10)}, now, month), "as far back as Tencent lists")
	require.Equal(t, []Window{{earliest, at(-10)}}, BackfillWindows(Window{earliest, at(-10)}, now, month))
	require.Equal(t, []Window{{at(-10), now}}, BackfillWindows(Window{at(-10), at(600)}, now, day), "until now")
	require.Empty(t, BackfillWindows(Window{at(10), at(600)}, now, day), "all of it is still to come")
	require.Empty(t, BackfillWindows(Window{now.AddDate(0, -1, 0), now.AddDate(0, 0, -8)}, now, month), "all of it is too old")
	require.Equal(t, []Window{{now.AddDate(0, 0, -2), now.AddDate(0, 0, -1)}, {now.AddDate(0, 0, -1), now}},
		BackfillWindows(Window{now.AddDate(0, 0, -2), now}, now, day), "divided by MaxWindow")
}

func TestSplitLeavesNoGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Window{From: now, To: now.Add(time.Duration(rapid.IntRange(0, 100000).Draw(t, "length")) * time.Second)}
		longest := time.Duration(rapid.IntRange(-5, 50000).Draw(t, "longest")) * time.Second
		windows := split(w, longest)
		require.Equal(t, w.From, windows[0].From)
		require.Equal(t, w.To, windows[len(windows)-1].To)
		for i, each := range windows {
			require.LessOrEqual(t, each.To.Sub(each.From), max(longest, time.Second))
			if i > 0 {
				require.Equal(t, windows[i-1].To, each.From)
			}
		}
	})
}

func TestHalves(t *testing.T) {
	_, ok := Window{From: now, To: now}.Halves()
	require.False(t, ok)
	halves, ok := Window{From: now, To: now.Add(time.Second)}.Halves()
	require.True(t, ok)
	require.Equal(t, []Window{{now, now}, {now.Add(time.Second), now.Add(time.Second)}}, halves)
	halves, ok = Window{From: now, To: now.Add(3 * time.Second)}.Halves()
	require.True(t, ok)
	require.Equal(t, []Window{{now, now.Add(time.Second)}, {now.Add(time.Second), now.Add(3 * time.Second)}}, halves)
	halves, ok = Window{From: now, To: at(60)}.Halves()
	require.True(t, ok)
	require.Equal(t, []Window{{now, at(30)}, {at(30), at(60)}}, halves)
}
