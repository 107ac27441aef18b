package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// sweepWorld is Tencent, the ledger and Temporal, as a sweep sees them.
type sweepWorld struct {
	listed  []tencent.CallRecord
	listErr error
	total   int

	inLedger  map[string]bool
	ledgerErr error
	setErr    error
	sweptTo   time.Time

	workflows map[string]bool
	// listedToo says that the list of workflows knows them, which it does after a while.
	listedToo bool
	lookupErr error
	startErr  error
	started   []string
}

func (w *sweepWorld) Records(_ context.Context, f tencent.RecordFilter) (tencent.RecordPage, error) {
	if w.listErr != nil {
		return tencent.RecordPage{}, w.listErr
	}
	page := tencent.RecordPage{TotalNum: max(w.total, len(w.listed))}
	if f.Page == 1 {
		page.Rows = tencent.NewRecordRows(w.listed...)
	}
	return page, nil
}

func (w *sweepWorld) Known(_ context.Context, _ tencent.SDKAppID, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = w.inLedger[id]
	}
	return known, w.ledgerErr
}

func (w *sweepWorld) SweptTo(context.Context, tencent.SDKAppID) (time.Time, error) {
	return w.sweptTo, w.ledgerErr
}

func (w *sweepWorld) SetSweptTo(_ context.Context, _ tencent.SDKAppID, to time.Time) error {
	if w.setErr != nil {
		return w.setErr
	}
	w.sweptTo = to
	return w.ledgerErr
}

func (w *sweepWorld) HaveWorkflow(_ context.Context, _ tencent.SDKAppID, ids []string) (map[string]bool, error) {
	have := map[string]bool{}
	for _, id := range ids {
		have[id] = w.listedToo && w.workflows[id]
	}
	return have, w.lookupErr
}

func (w *sweepWorld) StartListed(_ context.Context, _ SweepApp, r tencent.CallRecord) (bool, error) {
	if w.startErr != nil {
		return false, w.startErr
	}
	if w.workflows[r.CallID] {
		return true, nil
	}
	w.started = append(w.started, r.CallID)
	return false, nil
}

func ended(id string, at time.Time) tencent.CallRecord {
	return tencent.CallRecord{CallID: id, StartTime: at.Unix() - 60, EndTime: at.Unix()}
}

type sweepFixture struct {
	*sweepWorld
	sweeps *Sweeps
	env    *testsuite.TestActivityEnvironment
	t      *testing.T
}

func newSweepFixture(t *testing.T, w *sweepWorld) *sweepFixture {
	t.Helper()
	s := NewSweeps([]SweepApp{{
		ID: clinic, Name: "clinic", Records: w, GoLive: endedAt.Add(-24 * time.Hour),
		Settings: sweep.Settings{Settle: time.Minute, Overlap: time.Hour, MaxWindow: 6 * time.Hour},
	}}, w, w, prometheus.NewRegistry())
	s.now = func() time.Time { return endedAt.Add(2 * time.Minute) }
	var suite testsuite.WorkflowTestSuite
	f := &sweepFixture{w, s, suite.NewTestActivityEnvironment(), t}
	f.env.RegisterActivityWithOptions(s.SweepWindow, activity.RegisterOptions{Name: "SweepWindow"})
	return f
}

var window = sweep.Window{From: endedAt.Add(-time.Hour), To: endedAt}

func (f *sweepFixture) run(p SweepWindowParams) (result SweepWindowResult, err error) {
	f.t.Helper()
	p.SDKAppID, p.Window = clinic, window
	value, err := f.env.ExecuteActivity("SweepWindow", p)
	if err != nil {
		return result, err
	}
	require.NoError(f.t, value.Get(&result))
	return result, nil
}

func TestSweepWindow(t *testing.T) {
	world := func() *sweepWorld {
		return &sweepWorld{
			listed: []tencent.CallRecord{
				ended("in the ledger", endedAt), ended("has a workflow", endedAt), ended("lost", endedAt),
				ended("before go_live", endedAt.Add(-48*time.Hour)),
			},
			inLedger:  map[string]bool{"in the ledger": true},
			workflows: map[string]bool{"has a workflow": true},
		}
	}
	t.Run("recovers a call without entry and workflow", func(t *testing.T) {
		f := newSweepFixture(t, world())
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts)
		require.Equal(t, []string{"lost"}, f.started)
		require.Equal(t, []string{"lost"}, result.Examples)
		require.Equal(t, window.To, f.sweptTo.UTC())
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.seen.WithLabelValues("clinic", "recovered")), 0)
	})
	t.Run("dry run", func(t *testing.T) {
		w := world()
		w.listedToo = true
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{DryRun: true, Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts)
		require.Equal(t, []string{"lost"}, result.Examples, "those that would be started")
		require.Empty(t, f.started)
		require.True(t, f.sweptTo.IsZero())
		require.Zero(t, testutil.ToFloat64(f.sweeps.seen.WithLabelValues("clinic", "recovered")))
	})
	t.Run("a backfill leaves the progress alone", func(t *testing.T) {
		f := newSweepFixture(t, world())
		result, err := f.run(SweepWindowParams{})
		require.NoError(t, err)
		require.Equal(t, 1, result.Counts.Recovered)
		require.True(t, f.sweptTo.IsZero())
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.seen.WithLabelValues("clinic", "backfilled")), 0)
		require.Zero(t, testutil.ToFloat64(f.sweeps.seen.WithLabelValues("clinic", "recovered")), "no alert")
	})
	t.Run("the list of workflows cannot be read", func(t *testing.T) {
		w := world()
		w.lookupErr = errors.New("no visibility")
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts, "the start decides")
		_, err = f.run(SweepWindowParams{DryRun: true})
		require.ErrorContains(t, err, "no visibility", "a dry run has nothing else to go by")
	})
	t.Run("a second attempt knows what the first recovered", func(t *testing.T) {
		w := world()
		w.setErr = errors.New("connection refused")
		f := newSweepFixture(t, w)
		_, err := f.run(SweepWindowParams{Advance: true})
		require.Equal(t, LedgerUnavailable, errorType(err))
		require.Equal(t, []string{"lost"}, f.started)
		w.setErr, w.workflows["lost"] = nil, true
		f.env.SetHeartbeatDetails(f.started)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts)
		require.Equal(t, []string{"lost"}, f.started, "and does not start it again")
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.seen.WithLabelValues("clinic", "recovered")), 0, "counted once")
	})
	t.Run("every attempt knows what all before it recovered", func(t *testing.T) {
		w := world()
		w.listed = append(w.listed, ended("lost too", endedAt))
		w.setErr = errors.New("connection refused")
		f := newSweepFixture(t, w)
		var heartbeat []string
		f.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
			heartbeat = nil
			require.NoError(t, details.Get(&heartbeat))
		})
		for range 2 { // both fail after the calls were started
			_, err := f.run(SweepWindowParams{Advance: true})
			require.Equal(t, LedgerUnavailable, errorType(err))
			require.ElementsMatch(t, []string{"lost", "lost too"}, heartbeat)
			w.workflows["lost"], w.workflows["lost too"] = true, true
			f.env.SetHeartbeatDetails(heartbeat)
		}
		w.setErr = nil
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 5, Known: 2, Recovered: 2, BeforeGoLive: 1}, result.Counts)
		require.ElementsMatch(t, []string{"lost", "lost too"}, result.Examples)
	})
	t.Run("a call that cannot be started stops the progress", func(t *testing.T) {
		w := world()
		w.startErr = errors.New("Temporal is down")
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, 2, result.Counts.Failed)
		require.True(t, f.sweptTo.IsZero())
	})
	t.Run("what cannot be listed whole is split", func(t *testing.T) {
		w := world()
		w.total = 10_000
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Len(t, result.Split, 2)
		require.Equal(t, window.From, result.Split[0].From.UTC())
		require.Equal(t, window.To, result.Split[1].To.UTC())
		require.Empty(t, f.started, "nothing is started before the whole is known")
		require.True(t, f.sweptTo.IsZero())
	})
	t.Run("record API refuses", func(t *testing.T) {
		w := world()
		w.listErr = &tencent.APIError{Code: 60017}
		_, err := newSweepFixture(t, w).run(SweepWindowParams{Advance: true})
		require.Equal(t, RecordAPIRefused, errorType(err))
	})
	t.Run("ledger down", func(t *testing.T) {
		w := world()
		w.ledgerErr = errors.New("connection refused")
		f := newSweepFixture(t, w)
		_, err := f.run(SweepWindowParams{Advance: true})
		require.Equal(t, LedgerUnavailable, errorType(err))
		require.Empty(t, f.started, "without the ledger it is unknown what was charged")
	})
}

func TestPlanSweep(t *testing.T) {
	w := &sweepWorld{}
	f := newSweepFixture(t, w)
	plan, err := f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	require.Equal(t, endedAt.Add(-25*time.Hour), plan.Windows[0].From, "the first sweep begins at go_live, less the overlap")
	require.Equal(t, endedAt.Add(time.Minute), plan.Windows[len(plan.Windows)-1].To)

	w.sweptTo = endedAt
	plan, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	require.Equal(t, []sweep.Window{{From: endedAt.Add(-time.Hour), To: endedAt.Add(time.Minute)}}, plan.Windows)
	require.InDelta(t, endedAt.Unix(), testutil.ToFloat64(f.sweeps.swept.WithLabelValues("clinic")), 0)

	plan, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic, TimeRange: &window})
	require.NoError(t, err)
	require.Equal(t, []sweep.Window{window}, plan.Windows, "a backfill lists the given time range")

	_, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic + 1})
	require.Equal(t, AppNotConfigured, errorType(err))
	w.ledgerErr = errors.New("connection refused")
	_, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.Equal(t, LedgerUnavailable, errorType(err))
}
