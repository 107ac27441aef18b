package tencentsim

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// page is an answer of get_record_by_filter, decoded by hand.
type page struct {
	TotalNum       int
	Page           int
	CallRecordList []struct {
		CallId    string
		StartTime int64
		EndTime   int64
	}
}

func (p page) ids() []string {
	ids := []string{}
	for _, r := range p.CallRecordList {
		ids = append(ids, r.CallId)
	}
	return ids
}

func (r *fixture) list(from, to int64, more string) page {
	r.t.Helper()
	a := r.post(pathByFilter, fmt.Sprintf(`{"StartTime":%d,"EndTime":%d%s}`, from, to, more))
	require.Zero(r.t, a.ErrorCode, a.ErrorInfo)
	var p page
	require.NoError(r.t, json.Unmarshal(a.Response, &p))
	return p
}

// withCalls places calls "c00", "c01", … that started 100 s apart, the last
// at testEpoch - 1000; odd ones last longer and so end in another order.
func withCalls(r *fixture, n int) {
	for i := range n {
		start := int64(testEpoch - 1000 - 100*(n-1-i))
		seconds := int64(10 + 250*(i%2))
		r.place(CallSpec{
			CallID: fmt.Sprintf("c%02d", i), Seconds: seconds, RingSeconds: 5,
			EndedAgoSeconds: testEpoch - start - 5 - seconds,
		})
	}
}

func TestFilterPages(t *testing.T) {
	r := newFixture(t)
	withCalls(r, 25)
	tests := map[string]struct {
		more        string
		page, count int
		first       string
	}{
		"default":          {``, 1, 10, "c00"},
		"second":           {`,"Page":2`, 2, 10, "c10"},
		"last, short":      {`,"Page":3`, 3, 5, "c20"},
		"beyond":           {`,"Page":4`, 4, 0, ""},
		"far beyond":       {`,"Page":2147483647`, 2147483647, 0, ""},
		"by seven":         {`,"NumberPerPage":7,"Page":4`, 4, 4, "c21"},
		"all":              {`,"NumberPerPage":100`, 1, 25, "c00"},
		"more than all":    {`,"NumberPerPage":5000`, 1, 25, "c00"},
		"unknown argument": {`,"Future":1`, 1, 10, "c00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := r.list(testEpoch-86400, testEpoch, tt.more)
			require.Equal(t, 25, p.TotalNum)
			require.Equal(t, tt.page, p.Page)
			require.NotNil(t, p.CallRecordList)
			require.Len(t, p.CallRecordList, tt.count)
			if tt.count > 0 {
				require.Equal(t, tt.first, p.CallRecordList[0].CallId)
			}
		})
	}
}

func TestFilterPageSizeLimit(t *testing.T) {
	r := newFixture(t)
	withCalls(r, 5)
	require.NoError(t, r.sim.SetFilterRules(FilterRules{MaxPageSize: 2}))
	p := r.list(0, testEpoch, `,"NumberPerPage":50,"Page":2`)
	require.Equal(t, []string{"c02", "c03"}, p.ids(), "the page size is cut, also for the offset of later pages")
}

func TestFilterParameters(t *testing.T) {
	r := newFixture(t)
	withCalls(r, 1)
	for _, body := range []string{
		`{}`, `{"StartTime":1}`, `{"StartTime":20,"EndTime":19}`, `{"StartTime":"1","EndTime":2}`,
		`{"StartTime":1,"EndTime":2,"Page":0}`, `{"StartTime":1,"EndTime":2,"Page":-1}`,
		`{"StartTime":1,"EndTime":2,"NumberPerPage":0}`, `{"StartTime":1,"EndTime":2,"NumberPerPage":-5}`,
		`{"StartTime":1,"EndTime":2,"Page":2147483648}`,
	} {
		require.Equal(t, 101002, r.post(pathByFilter, body).ErrorCode, body)
	}
}

func TestFilterWindow(t *testing.T) {
	const s = testEpoch - 2000 // StartTime of the only call
	tests := map[string]struct {
		from, to int64
		found    bool
	}{
		"start on the lower bound":  {s, s + 1, true},
		"start on the upper bound":  {s - 1, s, true},
		"start below":               {s + 1, testEpoch, false},
		"start above":               {s - 10, s - 1, false},
		"an older start is moved":   {1, s, true},
		"a window before retention": {1, 2, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.place(CallSpec{CallID: "one", Seconds: 990, RingSeconds: 10, EndedAgoSeconds: 1000})
			if tt.found {
				require.Equal(t, []string{"one"}, r.list(tt.from, tt.to, "").ids())
				return
			}
			require.Equal(t, 101050, r.post(pathByFilter, fmt.Sprintf(`{"StartTime":%d,"EndTime":%d}`, tt.from, tt.to)).ErrorCode)
		})
	}
}

func TestFilterReturnsOnlyExistingRecords(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{CallID: "now"})
	r.place(CallSpec{CallID: "old", EndedAgoSeconds: 8 * 86400})
	r.place(CallSpec{CallID: "foreign", SDKAppID: otherApp, EndedAgoSeconds: 60})
	r.place(CallSpec{CallID: "late", EndedAgoSeconds: 60, RecordAfterSeconds: 120})
	everything := fmt.Sprintf(`{"StartTime":1,"EndTime":%d}`, testEpoch+1)
	require.Equal(t, 101050, r.post(pathByFilter, everything).ErrorCode)
	r.now.move(5 * time.Second)
	require.Equal(t, []string{"now"}, r.list(1, testEpoch+1, "").ids())
	r.now.move(55 * time.Second)
	require.ElementsMatch(t, []string{"now", "late"}, r.list(1, testEpoch+1, "").ids())
	r.now.move(7*24*time.Hour - 70*time.Second)
	require.Equal(t, []string{"now"}, r.list(1, testEpoch+1, "").ids(), "the one that ended earlier goes earlier")
	r.now.move(time.Minute)
	require.Equal(t, 101050, r.post(pathByFilter, everything).ErrorCode)
}

func TestFilterByResultAndType(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{CallID: "a", EndedAgoSeconds: 60, Seconds: 5})
	r.place(CallSpec{CallID: "b", EndedAgoSeconds: 50, GroupSize: 3, Seconds: 5})
	r.place(CallSpec{CallID: "c", EndedAgoSeconds: 40, Result: "Reject"})
	require.Equal(t, []string{"a", "b"}, r.list(1, testEpoch, `,"CallResult":"NormalEnd"`).ids())
	require.Equal(t, []string{"b"}, r.list(1, testEpoch, `,"CallType":"MultiCall"`).ids())
	require.Equal(t, []string{"a"}, r.list(1, testEpoch, `,"CallType":"SingleCall","CallResult":"NormalEnd"`).ids())
	require.Equal(t, []string{"a", "b", "c"}, r.list(1, testEpoch, `,"CallType":"","CallResult":""`).ids())
}

func TestFilterOrder(t *testing.T) {
	r := newFixture(t)
	withCalls(r, 6)
	byStart := []string{"c00", "c01", "c02", "c03", "c04", "c05"}
	require.Equal(t, byStart, r.list(1, testEpoch, "").ids())

	require.NoError(t, r.sim.SetFilterRules(FilterRules{Unstable: true}))
	seen := map[string]bool{}
	for range 20 {
		ids := r.list(1, testEpoch, "").ids()
		require.ElementsMatch(t, byStart, ids)
		seen[fmt.Sprint(ids)] = true
	}
	require.Greater(t, len(seen), 1, "changes from request to request")
}

func TestFilterRulesAreChecked(t *testing.T) {
	r := newFixture(t)
	require.ErrorContains(t, r.sim.SetFilterRules(FilterRules{MaxPageSize: -1}), "max_page_size")
	require.Equal(t, FilterRules{MaxPageSize: 100}, r.sim.FilterRules())
}
