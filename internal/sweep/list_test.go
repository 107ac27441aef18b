package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"aftercall/internal/tencent"
)

// fakeLister lists calls in the ways that Tencent's documentation leaves open.
type fakeLister struct {
	calls []tencent.CallRecord
	// largestPage caps the requested page size.
	largestPage int
	// byEnd selects calls by their end instead of their start.
	byEnd bool
	// random, if set, changes the order of the calls from page to page.
	random *rand.Rand
	// noTotal leaves TotalNum out.
	noTotal bool
	// total is a wrong TotalNum.
	total int
	// requests counts the pages that were requested.
	requests int
}

func (f *fakeLister) Records(_ context.Context, filter tencent.RecordFilter) (tencent.RecordPage, error) {
	f.requests++
	var found []tencent.CallRecord
	for _, c := range f.calls {
		selected := c.StartTime
		if f.byEnd {
			selected = c.EndTime
		}
		if selected >= filter.StartTime && selected <= filter.EndTime {
			found = append(found, c)
		}
	}
	if f.random != nil {
		f.random.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	size := min(filter.NumberPerPage, f.largestPage)
	page := tencent.RecordPage{TotalNum: len(found), Page: filter.Page}
	if f.noTotal {
		page.TotalNum = 0
	}
	if f.total > 0 {
		page.TotalNum = f.total
	}
	from := min((filter.Page-1)*size, len(found))
	page.Rows = tencent.NewRecordRows(found[from:min(from+size, len(found))]...)
	return page, nil
}

// call returns the record of a call that ended at end.
func call(id int, end time.Time, duration time.Duration) tencent.CallRecord {
	return tencent.CallRecord{CallID: fmt.Sprint("call-", id), StartTime: end.Add(-duration).Unix(), EndTime: end.Unix()}
}

// calls returns n records of calls that ended in successive seconds from now.
func calls(n int) []tencent.CallRecord {
	records := make([]tencent.CallRecord, n)
	for i := range records {
		records[i] = call(i, now.Add(time.Duration(i)*time.Second), 0)
	}
	return records
}

// listAll lists windows as a sweep does, dividing those that are too large, and
// returns the CallIds.
func listAll(t require.TestingT, f *fakeLister, windows []Window) []string {
	var ids []string
	for len(windows) > 0 {
		listing, err := List(context.Background(), f, windows[0], func() {})
		if errors.Is(err, ErrWindowTooLarge) {
			halves, ok := windows[0].Halves()
			require.True(t, ok, "a window of one second can be listed")
			windows = append(halves, windows[1:]...)
			continue
		}
		require.NoError(t, err)
		for _, r := range listing.Records() {
			ids = append(ids, r.CallID)
		}
		windows = windows[1:]
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestSweepsMissNoCall sweeps repeatedly while calls end, and checks that every
// call is listed once it has settled, for any times of the sweeps, settle delay,
// overlap, selection by start or end, and order of pages.
func TestSweepsMissNoCall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Second
		}
		s := Settings{Settle: seconds("settle", 0, 300), Overlap: seconds("overlap", 0, 900), MaxWindow: seconds("longest window", 0, 1200)}
		f := &fakeLister{
			largestPage: rapid.IntRange(1, 7).Draw(t, "largest page"), byEnd: rapid.Bool().Draw(t, "by end"),
			random: rand.New(rand.NewPCG(1, 2)),
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
			clock = clock.Add(seconds("until the next sweep", 1, 2400)).Add(time.Duration(rapid.IntRange(0, 999).Draw(t, "ms")) * time.Millisecond)
			f.calls = slices.DeleteFunc(slices.Clone(all), func(c tencent.CallRecord) bool { return c.EndTime > clock.Add(-s.Settle).Unix() })
			windows := Windows(sweptTo, time.Time{}, clock, s)
			for _, id := range listAll(t, f, windows) {
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

func TestList(t *testing.T) {
	hour := Window{From: now, To: now.Add(time.Hour)}
	second := Window{From: now, To: now}
	sameSecond := make([]tencent.CallRecord, MaxCalls+1)
	for i := range sameSecond {
		sameSecond[i] = call(i, now, 0)
	}
	tests := map[string]struct {
		lister   fakeLister
		window   Window
		want     int
		requests int // 0 for any number
	}{
		"full pages":                          {fakeLister{calls: calls(250), largestPage: 1000}, hour, 250, 4},
		"pages are smaller than requested":    {fakeLister{calls: calls(250), largestPage: 10}, hour, 250, 26},
		"pages overlap and miss calls":        {fakeLister{calls: calls(100), largestPage: 7, random: rand.New(rand.NewPCG(1, 2))}, hour, 100, 0},
		"no calls":                            {fakeLister{largestPage: 10}, hour, 0, 1},
		"no total":                            {fakeLister{calls: calls(25), largestPage: 10, noTotal: true}, hour, 25, 4},
		"as many calls as a window may have":  {fakeLister{calls: calls(MaxCalls), largestPage: 100}, hour, MaxCalls, MaxCalls/100 + 1},
		"a second cannot be divided":          {fakeLister{calls: sameSecond, largestPage: 100}, second, MaxCalls + 1, MaxCalls/100 + 2},
		"the total is that of the page":       {fakeLister{calls: calls(250), largestPage: 100, total: 100}, hour, 250, 4},
		"the total is too low on small pages": {fakeLister{calls: calls(25), largestPage: 10, total: 10}, hour, 25, 4},
		"the total is 1":                      {fakeLister{calls: calls(25), largestPage: 10, total: 1}, hour, 25, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			progress := 0
			listing, err := List(t.Context(), &tt.lister, tt.window, func() { progress++ })
			require.NoError(t, err)
			require.Len(t, listing.Rows, tt.want)
			require.Zero(t, listing.Missing())
			require.Equal(t, tt.lister.requests, progress, "progress after every page")
			if tt.requests > 0 {
				require.Equal(t, tt.requests, tt.lister.requests)
			}
		})
	}
}

// listerFunc answers the request with the given number, which counts from 1.
type listerFunc func(request int, filter tencent.RecordFilter) (tencent.RecordPage, error)

// counting returns f as a Lister, and the number of its requests.
func counting(f listerFunc) (Lister, *int) {
	requests := new(int)
	return recordsFunc(func(filter tencent.RecordFilter) (tencent.RecordPage, error) {
		*requests++
		return f(*requests, filter)
	}), requests
}

type recordsFunc func(tencent.RecordFilter) (tencent.RecordPage, error)

func (f recordsFunc) Records(_ context.Context, filter tencent.RecordFilter) (tencent.RecordPage, error) {
	return f(filter)
}

func TestListGivesUp(t *testing.T) {
	page := func(total int, ids ...string) tencent.RecordPage {
		p := tencent.RecordPage{TotalNum: total}
		for _, id := range ids {
			p.Rows = append(p.Rows, tencent.NewRecordRows(tencent.CallRecord{CallID: id})...)
		}
		return p
	}
	broken := errors.New("out of order")
	tests := map[string]struct {
		lister   listerFunc
		want     error
		requests int
	}{
		"too many calls": {func(int, tencent.RecordFilter) (tencent.RecordPage, error) {
			return page(MaxCalls+1, "call-1"), nil
		}, ErrWindowTooLarge, 1},
		"more calls than are counted, and too many": {func(request int, _ tencent.RecordFilter) (tencent.RecordPage, error) {
			p := page(1)
			for i := range 1000 {
				p.Rows = append(p.Rows, tencent.NewRecordRows(tencent.CallRecord{CallID: fmt.Sprint("call-", request, "-", i)})...)
			}
			return p, nil
		}, ErrWindowTooLarge, 3},
		"the same page again and again": {func(int, tencent.RecordFilter) (tencent.RecordPage, error) {
			return page(50, "call-1"), nil
		}, ErrWindowTooLarge, (maxSamePages + 1) * (1 + 3)},
		"three passes that find no new call on two pages, after the first": {func(_ int, f tencent.RecordFilter) (tencent.RecordPage, error) {
			if f.Page > 2 {
				return page(50), nil
			}
			return page(50, fmt.Sprint("call-", f.Page)), nil
		}, ErrWindowTooLarge, 3 * (1 + 3)},
		"two passes that find no new call on two pages, then one that does": {func(request int, f tencent.RecordFilter) (tencent.RecordPage, error) {
			switch f.Page {
			case 1:
				return page(50, "call-1"), nil
			case 2:
				return page(50, fmt.Sprint("call-", 2+min(request/10, 1))), nil
			}
			return page(50), nil
		}, ErrWindowTooLarge, 3 * (1 + 2 + 1 + 3)},
		"twenty passes, each with one new call": {func(request int, f tencent.RecordFilter) (tencent.RecordPage, error) {
			if f.Page > 1 {
				return page(50), nil
			}
			return page(50, fmt.Sprint("call-", request)), nil
		}, ErrWindowTooLarge, 2 * 20},
		"a page that cannot be read": {func(int, tencent.RecordFilter) (tencent.RecordPage, error) {
			return tencent.RecordPage{}, fmt.Errorf("list: %w", &tencent.UnreadableAnswerError{})
		}, ErrWindowTooLarge, 1},
		"an error": {func(request int, _ tencent.RecordFilter) (tencent.RecordPage, error) {
			if request == 2 {
				return tencent.RecordPage{}, broken
			}
			return page(50, "call-1"), nil
		}, broken, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lister, requests := counting(tt.lister)
			_, err := List(t.Context(), lister, Window{From: now, To: at(60)}, func() {})
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, tt.requests, *requests)
		})
	}
}

// TestListTakesWhatPassesAgreeOn holds the listings that never reach Tencent's
// count: they are taken, and the difference is returned.
func TestListTakesWhatPassesAgreeOn(t *testing.T) {
	minute, second := Window{From: now, To: at(60)}, Window{From: now, To: now}
	pages := func(total int, pages ...[]string) listerFunc {
		return func(_ int, f tencent.RecordFilter) (tencent.RecordPage, error) {
			p := tencent.RecordPage{TotalNum: total}
			if f.Page <= len(pages) {
				for _, id := range pages[f.Page-1] {
					p.Rows = append(p.Rows, tencent.NewRecordRows(tencent.CallRecord{CallID: id})...)
				}
			}
			return p, nil
		}
	}
	tests := map[string]struct {
		lister  listerFunc
		window  Window
		want    []string
		missing int
	}{
		"a row is repeated":                  {pages(5, []string{"a", "b", "b", "c", "d"}), minute, []string{"a", "b", "c", "d"}, 1},
		"the total is one too high":          {pages(3, []string{"a", "b"}), minute, []string{"a", "b"}, 1},
		"a total without rows":               {pages(1), minute, nil, 1},
		"a row is repeated on the next page": {pages(4, []string{"a", "b"}, []string{"b", "c"}), second, []string{"a", "b", "c"}, 1},
		"a second whose page number is ignored": {func(int, tencent.RecordFilter) (tencent.RecordPage, error) {
			return tencent.RecordPage{TotalNum: 2, Rows: tencent.NewRecordRows(tencent.CallRecord{CallID: "a"})}, nil
		}, second, []string{"a"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lister, requests := counting(tt.lister)
			listing, err := List(t.Context(), lister, tt.window, func() {})
			require.NoError(t, err)
			var ids []string
			for _, r := range listing.Records() {
				ids = append(ids, r.CallID)
			}
			require.ElementsMatch(t, tt.want, ids)
			require.Equal(t, tt.missing, listing.Missing())
			require.Less(t, *requests, 50)
		})
	}
}

func TestListKeepsUnreadableRowsApart(t *testing.T) {
	bad := tencent.RecordRow{Hash: "1", Problems: []tencent.FieldError{{Field: "CallId", Problem: "must not be empty"}}}
	long := tencent.RecordRow{Record: tencent.CallRecord{CallID: strings.Repeat("x", tencent.MaxCallIDLength+1)}, Hash: "2"}
	partly := tencent.RecordRow{Record: tencent.CallRecord{CallID: "call-2"}, Problems: []tencent.FieldError{{Field: "EndTime"}}}
	rows := append(tencent.NewRecordRows(tencent.CallRecord{CallID: "call-1"}), bad, long, partly)
	lister, requests := counting(func(int, tencent.RecordFilter) (tencent.RecordPage, error) {
		return tencent.RecordPage{TotalNum: 4, Rows: rows}, nil
	})
	listing, err := List(t.Context(), lister, Window{From: now, To: at(60)}, func() {})
	require.NoError(t, err)
	require.ElementsMatch(t, []tencent.RecordRow{rows[0], partly}, listing.Rows, "a row with a CallId is a hint, whatever its other fields")
	require.ElementsMatch(t, []tencent.RecordRow{bad, long}, listing.Unreadable)
	require.Zero(t, listing.Missing())
	require.Equal(t, 2, *requests, "the same page again is the end")
}

// TestPageThatCannotBeReadIsIsolated has a second whose second page is not a list.
func TestPageThatCannotBeReadIsIsolated(t *testing.T) {
	f := &fakeLister{calls: calls(60), largestPage: 100}
	bad := Window{From: now.Add(40 * time.Second), To: now.Add(40 * time.Second)}
	lister, _ := counting(func(_ int, filter tencent.RecordFilter) (tencent.RecordPage, error) {
		if filter.StartTime <= bad.From.Unix() && bad.From.Unix() <= filter.EndTime && filter.Page == 2 {
			return tencent.RecordPage{}, fmt.Errorf("list: %w", &tencent.UnreadableAnswerError{})
		}
		return f.Records(t.Context(), filter)
	})
	listed := map[string]bool{}
	var unread []Window
	windows := []Window{{From: now, To: now.Add(59 * time.Second)}}
	for len(windows) > 0 {
		w := windows[0]
		listing, err := List(t.Context(), lister, w, func() {})
		if errors.Is(err, ErrWindowTooLarge) {
			halves, ok := w.Halves()
			require.True(t, ok)
			windows = append(halves, windows[1:]...)
			continue
		}
		require.NoError(t, err)
		if listing.Unread != nil {
			unread = append(unread, w)
		}
		for _, r := range listing.Records() {
			listed[r.CallID] = true
		}
		windows = windows[1:]
	}
	require.Equal(t, []Window{bad}, slices.Compact(unread), "only this second cannot be listed whole")
	require.Len(t, listed, 60, "what is on the page before it is taken too")
}

// TestListIsInOrder: the same rows are handled in the same order, whatever pages they
// come on, so that a night of the simulation can be repeated.
func TestListIsInOrder(t *testing.T) {
	var calls []tencent.CallRecord
	for i := range 20 {
		calls = append(calls, tencent.CallRecord{CallID: fmt.Sprintf("call-%02d", i), StartTime: 1000})
	}
	l := &fakeLister{calls: calls, largestPage: 7, random: rand.New(rand.NewPCG(1, 1))}
	listing, err := List(t.Context(), l, Window{From: time.Unix(1000, 0), To: time.Unix(1001, 0)}, func() {})
	require.NoError(t, err)
	require.Equal(t, calls, listing.Records())
}
