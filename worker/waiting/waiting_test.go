package waiting

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"aftercall/workflows"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake knows the start times of the calls of each stage, and answers as
// visibility does: newest first, in pages.
type fake struct {
	starts  map[workflows.Stage][]time.Time
	err     error
	queries int
}

var olderThan = regexp.MustCompile(` AND StartTime < '([^']+)'$`)

func (f *fake) matching(query string) (starts []time.Time) {
	f.queries++
	before := now.Add(time.Hour)
	if m := olderThan.FindStringSubmatch(query); m != nil {
		before, _ = time.Parse(time.RFC3339Nano, m[1])
		query = strings.TrimSuffix(query, m[0])
	}
	for stage, all := range f.starts {
		if query == workflows.WaitingQuery(stage) {
			for _, start := range all {
				if start.Before(before) {
					starts = append(starts, start)
				}
			}
		}
	}
	slices.SortFunc(starts, func(a, b time.Time) int { return b.Compare(a) })
	return starts
}

func (f *fake) CountWorkflow(_ context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(len(f.matching(r.Query)))}, f.err
}

func (f *fake) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, start := range f.matching(r.Query) {
		if len(answer.Executions) == int(r.PageSize) {
			answer.NextPageToken = []byte("more")
			break
		}
		answer.Executions = append(answer.Executions, &workflow.WorkflowExecutionInfo{StartTime: timestamppb.New(start)})
	}
	return answer, f.err
}

func newCalls(f *fake) *Calls {
	c := New(f, time.Now, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	c.now = func() time.Time { return now }
	return c
}

func TestFewCallsNeedOneQueryPerStage(t *testing.T) {
	f := &fake{starts: map[workflows.Stage][]time.Time{
		workflows.StageReview: {now.Add(-time.Minute), now.Add(-49 * time.Hour), now.Add(-time.Hour)},
	}}
	c := newCalls(f)
	require.NoError(t, c.Refresh(t.Context()))
	require.Equal(t, 3.0, testutil.ToFloat64(c.count.WithLabelValues("review")))
	require.Equal(t, (49 * time.Hour).Seconds(), testutil.ToFloat64(c.oldest.WithLabelValues("review")))
	require.Equal(t, 0.0, testutil.ToFloat64(c.oldest.WithLabelValues("record")))
	require.Equal(t, len(workflows.WaitingStages), testutil.CollectAndCount(c.count), "stages without calls are exported too")
	require.Equal(t, len(workflows.WaitingStages), f.queries)
}

func TestFailedRefreshLeavesNoOutdatedMetrics(t *testing.T) {
	f := &fake{starts: map[workflows.Stage][]time.Time{workflows.StageCharge: {now}}}
	c := newCalls(f)
	require.NoError(t, c.Refresh(t.Context()))
	f.err = errors.New("down")
	require.Error(t, c.Refresh(t.Context()))
	require.Zero(t, testutil.CollectAndCount(c.count))
	require.Zero(t, testutil.CollectAndCount(c.oldest))
}

// TestOldestOfMany finds the oldest of more calls than are listed, whatever
// their ages, with few queries.
func TestOldestOfMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ages := rapid.SliceOfN(rapid.Int64Range(0, int64(90*24*time.Hour/time.Millisecond)), page+1, 3*page).Draw(t, "ages in ms")
		f := &fake{starts: map[workflows.Stage][]time.Time{}}
		for _, age := range ages {
			f.starts[workflows.StageRecord] = append(f.starts[workflows.StageRecord], now.Add(-time.Duration(age)*time.Millisecond))
		}
		c := newCalls(f)
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := testutil.ToFloat64(c.count.WithLabelValues("record")); n != float64(len(ages)) {
			t.Fatalf("counted %v of %d", n, len(ages))
		}
		oldest := float64(slices.Max(ages)) / 1000
		got := testutil.ToFloat64(c.oldest.WithLabelValues("record"))
		if got > oldest || oldest-got > max(1, got/ageFraction) {
			t.Fatalf("oldest is %v s, not %v s", got, oldest)
		}
		if f.queries > 60 {
			t.Fatalf("%d queries", f.queries)
		}
	})
}
