package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercall/internal/tencent"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }

func TestWindows(t *testing.T) {
	s := Settings{Settle: 2 * time.Minute, Overlap: 10 * time.Minute, Slice: time.Hour}
	long := Settings{Settle: 2 * time.Minute, Overlap: 10 * time.Minute, Slice: 30 * 24 * time.Hour}
	earliest := now.Add(-Reach + time.Second)
	tests := map[string]struct {
		sweptTo, begin time.Time
		settings       Settings
		want           []Window
	}{
		"five minutes later":         {at(-7), time.Time{}, s, []Window{{at(-17), at(-2)}}},
		"nothing has settled":        {at(-2), time.Time{}, s, nil},
		"a clock that went back":     {at(10), time.Time{}, s, nil},
		"after two hours of silence": {at(-122), time.Time{}, s, []Window{{at(-132), at(-72)}, {at(-72), at(-12)}, {at(-12), at(-2)}}},
		"the first time ever":        {time.Time{}, time.Time{}, long, []Window{{earliest, at(-2)}}},
		"the first time, with start": {time.Time{}, at(-60), long, []Window{{at(-70), at(-2)}}},
		"after a month of silence":   {now.AddDate(0, -1, 0), time.Time{}, long, []Window{{earliest, at(-2)}}},
		"go_live to come":            {time.Time{}, at(60), s, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, Windows(tt.sweptTo, tt.begin, now, tt.settings)) })
	}
}

// tencentSide lists calls as inconveniently as its documentation allows.
type tencentSide struct {
	calls     []tencent.CallRecord
	largest   int
	testsEnd  bool
	shuffles  *rand.Rand
	notCounts bool
	pages     int
}

func (f *tencentSide) Records(_ context.Context, filter tencent.RecordFilter) (tencent.RecordPage, error) {
	f.pages++
	var found []tencent.CallRecord
	for _, c := range f.calls {
		tested := c.StartTime
		if f.testsEnd {
			tested = c.EndTime
		}
		if tested >= filter.StartTime && tested <= filter.EndTime {
			found = append(found, c)
		}
	}
	if f.shuffles != nil {
		f.shuffles.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	size := min(filter.NumberPerPage, f.largest)
	page := tencent.RecordPage{TotalNum: len(found), Page: filter.Page}
	if f.notCounts {
		page.TotalNum = 0
	}
	from := min((filter.Page-1)*size, len(found))
	page.Records = found[from:min(from+size, len(found))]
	return page, nil
}

func call(id int, end time.Time, duration time.Duration) tencent.CallRecord {
	return tencent.CallRecord{CallID: fmt.Sprint("call-", id), StartTime: end.Add(-duration).Unix(), EndTime: end.Unix()}
}

func everything(t require.TestingT, f *tencentSide, windows []Window) []string {
	var ids []string
	for len(windows) > 0 {
		records, err := List(context.Background(), f, windows[0], func() {})
		if errors.Is(err, ErrSplit) {
			halves, ok := windows[0].Halves()
			require.True(t, ok, "a second can be listed")
			windows = append(halves, windows[1:]...)
			continue
		}
		require.NoError(t, err)
		for _, r := range records {
			ids = append(ids, r.CallID)
		}
		windows = windows[1:]
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestNoCallIsBetweenTwoWindows sweeps again and again while calls end, and
// checks that every call is seen by the time it has settled, whatever the
// clock of the sweeps, the settle delay, the end of the window that Tencent
// tests, and the order of pages.
func TestNoCallIsBetweenTwoWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Second
		}
		s := Settings{Settle: seconds("settle", 0, 300), Overlap: seconds("overlap", 0, 900), Slice: seconds("slice", 0, 1200)}
		f := &tencentSide{
			largest: rapid.IntRange(1, 7).Draw(t, "largest page"), testsEnd: rapid.Bool().Draw(t, "tests end"),
			shuffles: rand.New(rand.NewPCG(1, 2)),
		}
		ends := rapid.SliceOfN(rapid.IntRange(1, 7200), 0, 20).Draw(t, "ends")
		for i, end := range ends {
			duration := seconds("duration", 0, int(s.Overlap/time.Second))
			f.calls = append(f.calls, call(i, now.Add(time.Duration(end)*time.Second), duration))
		}
		all := f.calls
		sweptTo, clock := now, now
		seen := map[string]bool{}
		for clock.Before(now.Add(3 * time.Hour)) {
			clock = clock.Add(seconds("pause", 1, 2400)).Add(time.Duration(rapid.IntRange(0, 999).Draw(t, "ms")) * time.Millisecond)
			f.calls = slices.DeleteFunc(slices.Clone(all), func(c tencent.CallRecord) bool { return c.EndTime > clock.Add(-s.Settle).Unix() })
			windows := Windows(sweptTo, time.Time{}, clock, s)
			for _, id := range everything(t, f, windows) {
				seen[id] = true
			}
			if len(windows) > 0 {
				sweptTo = windows[len(windows)-1].To
			}
			for _, c := range f.calls {
				if !seen[c.CallID] {
					t.Fatalf("%s was missed: %+v, swept to %s", c.CallID, c, sweptTo)
				}
			}
		}
	})
}

func TestBetween(t *testing.T) {
	s := Settings{Slice: 30 * 24 * time.Hour}
	week := now.Add(-Reach + time.Second)
	require.Equal(t, []Window{{at(-90), at(-10)}}, Between(Window{at(-90), at(-10)}, now, s), "it lists what it is told")
	require.Equal(t, []Window{{week, at(-10)}}, Between(Window{now.AddDate(0, -1, 0), at(-10)}, now, s), "as far as Tencent knows")
	require.Empty(t, Between(Window{now.AddDate(0, -1, 0), now.AddDate(0, 0, -8)}, now, s))
}

func TestWindowsJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Window{From: now, To: now.Add(time.Duration(rapid.IntRange(0, 100000).Draw(t, "length")) * time.Second)}
		slices := Slices(w, time.Duration(rapid.IntRange(-5, 50000).Draw(t, "slice"))*time.Second)
		require.Equal(t, w.From, slices[0].From)
		require.Equal(t, w.To, slices[len(slices)-1].To)
		for i := 1; i < len(slices); i++ {
			require.Equal(t, slices[i-1].To, slices[i].From)
		}
	})
}

func TestHalves(t *testing.T) {
	_, ok := Window{From: now, To: now}.Halves()
	require.False(t, ok)
	for _, length := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, time.Hour} {
		halves, ok := Window{From: now, To: now.Add(length)}.Halves()
		require.True(t, ok)
		require.Equal(t, now, halves[0].From)
		require.Equal(t, now.Add(length), halves[1].To)
		require.LessOrEqual(t, halves[1].From.Sub(halves[0].To), time.Second, "every second is in one of them")
		for _, h := range halves {
			require.Less(t, h.To.Sub(h.From), length, "both are shorter")
		}
	}
}

func TestList(t *testing.T) {
	hour := Window{From: now, To: now.Add(time.Hour)}
	many := make([]tencent.CallRecord, 0, MaxCalls+500)
	for i := range MaxCalls + 500 {
		many = append(many, call(i, now.Add(time.Duration(i)*time.Second), 0))
	}
	t.Run("pages are cut down silently", func(t *testing.T) {
		f := &tencentSide{calls: many[:250], largest: 10}
		records, err := List(context.Background(), f, hour, func() {})
		require.NoError(t, err)
		require.Len(t, records, 250)
	})
	t.Run("pages that overlap and miss calls", func(t *testing.T) {
		f := &tencentSide{calls: many[:100], largest: 7, shuffles: rand.New(rand.NewPCG(1, 2))}
		records, err := List(context.Background(), f, hour, func() {})
		require.NoError(t, err)
		require.Len(t, records, 100, "passes go on while they find more")
	})
	t.Run("nothing", func(t *testing.T) {
		records, err := List(context.Background(), &tencentSide{largest: 10}, hour, func() {})
		require.NoError(t, err)
		require.Empty(t, records)
	})
	t.Run("no total is given", func(t *testing.T) {
		records, err := List(context.Background(), &tencentSide{calls: many[:25], largest: 10, notCounts: true}, hour, func() {})
		require.NoError(t, err)
		require.Len(t, records, 25)
	})
	t.Run("too many are split after one page", func(t *testing.T) {
		f := &tencentSide{calls: many, largest: 100}
		_, err := List(context.Background(), f, hour, func() {})
		require.ErrorIs(t, err, ErrSplit)
		require.Equal(t, 1, f.pages)
	})
	t.Run("progress is told for every page", func(t *testing.T) {
		f, told := &tencentSide{calls: many[:250], largest: 100}, 0
		_, err := List(context.Background(), f, hour, func() { told++ })
		require.NoError(t, err)
		require.Equal(t, f.pages, told)
	})
	t.Run("errors end it", func(t *testing.T) {
		_, err := List(context.Background(), broken{}, hour, func() {})
		require.ErrorContains(t, err, "out of order")
	})
	t.Run("the same page for ever", func(t *testing.T) {
		_, err := List(context.Background(), stuck{}, hour, func() {})
		require.ErrorIs(t, err, ErrSplit)
	})
}

type broken struct{}

func (broken) Records(context.Context, tencent.RecordFilter) (tencent.RecordPage, error) {
	return tencent.RecordPage{}, errors.New("out of order")
}

type stuck struct{}

func (stuck) Records(context.Context, tencent.RecordFilter) (tencent.RecordPage, error) {
	return tencent.RecordPage{TotalNum: 50, Records: []tencent.CallRecord{{CallID: "always the same"}}}, nil
}
