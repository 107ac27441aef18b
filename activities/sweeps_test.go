package activities

import (
	"cmp"
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

	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

// sweepWorld is Tencent, the ledger and Temporal, as a sweep sees them.
type sweepWorld struct {
	listed     []tencent.CallRecord
	unreadable []tencent.RecordRow
	listErr    error
	total      int
	// second, if it is set, is the one whose second page is secondErr, and which
	// no other window lists.
	second    int64
	secondErr error

	now       time.Time
	inLedger  map[string]bool
	ledgerErr error
	setErr    error
	// These are of counting and releasing what is held back, and of rechecks.
	countErr, releaseErr, recheckErr error
	sweptTo                          time.Time
	held                             map[string]ledger.Held

	// workflows are those that were started before, by how they are now.
	workflows map[string]StartOutcome
	// listedToo says that the list of workflows knows them, which it does after a while.
	listedToo bool
	inReview  map[string]bool
	// firstStart is when the app was first run.
	firstStart time.Time
	lookupErr  error
	startErr   error
	// startErrs are the errors of single calls.
	startErrs map[string]error
	started   []string
	rechecked []string
}

func (w *sweepWorld) Records(_ context.Context, f tencent.RecordFilter) (tencent.RecordPage, error) {
	if w.listErr != nil {
		return tencent.RecordPage{}, w.listErr
	}
	switch {
	case w.second != 0 && w.second != f.StartTime:
		return tencent.RecordPage{}, nil
	case w.secondErr != nil && f.Page == 2:
		return tencent.RecordPage{}, w.secondErr
	}
	page := tencent.RecordPage{TotalNum: max(w.total, len(w.listed)+len(w.unreadable))}
	if f.Page == 1 {
		page.Rows = append(tencent.NewRecordRows(w.listed...), w.unreadable...)
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

func (w *sweepWorld) Now(context.Context) (time.Time, error) { return w.now, w.ledgerErr }

func (w *sweepWorld) SweptTo(context.Context, tencent.SDKAppID) (time.Time, error) {
	return w.sweptTo, w.ledgerErr
}

func (w *sweepWorld) SetSweptTo(_ context.Context, _ tencent.SDKAppID, to time.Time, _ time.Duration) error {
	if w.setErr != nil {
		return w.setErr
	}
	w.sweptTo = to
	return w.ledgerErr
}

func (w *sweepWorld) ForgetSweptTo(context.Context, tencent.SDKAppID, time.Time) error {
	w.sweptTo = time.Time{}
	return w.ledgerErr
}

func (w *sweepWorld) EnsureFirstStart(context.Context, tencent.SDKAppID) (time.Time, error) {
	return w.firstStart, w.ledgerErr
}

func (w *sweepWorld) HoldBack(_ context.Context, _ tencent.SDKAppID, h ledger.Held) error {
	h.Attempts = w.held[h.Key].Attempts + 1
	h.NextAttemptAt = w.now.Add(5 * time.Minute)
	if w.held[h.Key].Dismissed != nil {
		return w.ledgerErr
	}
	w.held[h.Key] = h
	return w.ledgerErr
}

func (w *sweepWorld) HeldBack(context.Context, tencent.SDKAppID) ([]ledger.Held, error) {
	var held []ledger.Held
	for _, h := range w.held {
		if h.Dismissed == nil {
			held = append(held, h)
		}
	}
	return held, w.ledgerErr
}

func (w *sweepWorld) CountHeldBack(ctx context.Context, app tencent.SDKAppID) (int, error) {
	held, err := w.HeldBack(ctx, app)
	return len(held), cmp.Or(err, w.countErr)
}

func (w *sweepWorld) Dismissed(context.Context, tencent.SDKAppID) ([]ledger.Held, error) {
	var dismissed []ledger.Held
	for _, h := range w.held {
		if h.Dismissed != nil {
			dismissed = append(dismissed, h)
		}
	}
	return dismissed, w.ledgerErr
}

func (w *sweepWorld) Release(_ context.Context, _ tencent.SDKAppID, key string) error {
	if w.releaseErr != nil {
		return w.releaseErr
	}
	delete(w.held, key)
	return w.ledgerErr
}

func (w *sweepWorld) Running(_ context.Context, _ tencent.SDKAppID, ids []string) (map[string]RunningCall, error) {
	if w.lookupErr != nil {
		return nil, w.lookupErr
	}
	running := map[string]RunningCall{}
	for _, id := range ids {
		if w.listedToo && w.workflows[id] == StillRunning {
			running[id] = RunningCall{InReview: w.inReview[id]}
		}
	}
	return running, nil
}

func (w *sweepWorld) Inspect(_ context.Context, _ tencent.SDKAppID, callID string) (StartOutcome, error) {
	if w.startErr != nil {
		return "", w.startErr
	}
	return cmp.Or(w.workflows[callID], StartedFirst), w.startErrs[callID]
}

func (w *sweepWorld) StartListed(ctx context.Context, app SweepApp, r tencent.CallRecord, again StartAgain) (StartOutcome, error) {
	outcome, err := w.Inspect(ctx, app.ID, r.CallID)
	if err != nil {
		return "", err
	}
	switch outcome {
	case StartedAgain:
		if known, err := again.InLedger(ctx); known || err != nil {
			return InLedger, err
		}
		fallthrough
	case StartedFirst:
		w.started = append(w.started, r.CallID)
	case StillRunning, ChargeFailed, InLedger:
	}
	return outcome, nil
}

func (w *sweepWorld) Recheck(_ context.Context, _ tencent.SDKAppID, callID string) error {
	w.rechecked = append(w.rechecked, callID)
	return w.recheckErr
}

func ended(id string, at time.Time) tencent.CallRecord {
	return tencent.CallRecord{CallID: id, StartTime: at.Unix() - 60, EndTime: at.Unix()}
}

type sweepFixture struct {
	*sweepWorld
	sweeps *Sweeps
	env    *testsuite.TestActivityEnvironment
	logs   *testenv.Log
	t      *testing.T
}

func newSweepFixture(t *testing.T, w *sweepWorld) *sweepFixture {
	t.Helper()
	w.now = cmp.Or(w.now, endedAt.Add(2*time.Minute))
	if w.held == nil {
		w.held = map[string]ledger.Held{}
	}
	s := NewSweeps([]SweepApp{{
		ID: clinic, Name: "clinic", Records: w, GoLive: endedAt.Add(-24 * time.Hour), Every: 5 * time.Minute,
		Settings: sweep.Settings{Settle: time.Minute, Overlap: time.Hour, MaxWindow: 6 * time.Hour},
	}}, w, w, prometheus.NewRegistry())
	env, logs := newEnv()
	f := &sweepFixture{w, s, env, logs, t}
	f.env.RegisterActivityWithOptions(s.SweepWindow, activity.RegisterOptions{Name: "SweepWindow"})
	f.env.RegisterActivityWithOptions(s.PlanSweep, activity.RegisterOptions{Name: "PlanSweep"})
	return f
}

var window = sweep.Window{From: endedAt.Add(-time.Hour), To: endedAt}

func (f *sweepFixture) run(p SweepWindowParams) (result SweepWindowResult, err error) {
	f.t.Helper()
	p.SDKAppID, p.Window = clinic, cmp.Or(p.Window, window)
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
			workflows: map[string]StartOutcome{"has a workflow": StillRunning},
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
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "recovered")), 0)
		require.Equal(t, 1, f.logs.Count("level=WARN"), "of the call that was lost: "+f.logs.String())
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
		require.Zero(t, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "recovered")))
	})
	t.Run("a backfill leaves the progress alone", func(t *testing.T) {
		f := newSweepFixture(t, world())
		result, err := f.run(SweepWindowParams{})
		require.NoError(t, err)
		require.Equal(t, 1, result.Counts.Recovered)
		require.True(t, f.sweptTo.IsZero())
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "backfilled")), 0)
		require.Zero(t, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "recovered")), "no alert")
	})
	t.Run("the list of workflows cannot be read", func(t *testing.T) {
		w := world()
		w.lookupErr = errors.New("no visibility")
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts, "the start decides")
		require.Equal(t, 1, f.logs.Count("the list of workflows cannot be read"))
		w.startErr = errors.New("Temporal is down")
		_, err = f.run(SweepWindowParams{DryRun: true})
		require.ErrorContains(t, err, "Temporal is down", "a dry run has nothing else to go by")
		require.Equal(t, TemporalUnavailable, errorType(err))
	})
	t.Run("a second attempt knows what the first recovered", func(t *testing.T) {
		w := world()
		w.setErr = errors.New("connection refused")
		f := newSweepFixture(t, w)
		_, err := f.run(SweepWindowParams{Advance: true})
		require.Equal(t, LedgerUnavailable, errorType(err))
		require.Equal(t, []string{"lost"}, f.started)
		w.setErr, w.workflows["lost"] = nil, StillRunning
		f.env.SetHeartbeatDetails(f.started)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts)
		require.Equal(t, []string{"lost"}, f.started, "and does not start it again")
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "recovered")), 0, "counted once")
	})
	t.Run("an attempt that does not know what the first recovered", func(t *testing.T) {
		f := newSweepFixture(t, world())
		f.env.SetHeartbeatDetails(17)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 4, Known: 2, Recovered: 1, BeforeGoLive: 1}, result.Counts)
		require.Equal(t, 1, f.logs.Count("its heartbeat cannot be read"))
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
			w.workflows["lost"], w.workflows["lost too"] = StillRunning, StillRunning
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
		require.Equal(t, "Temporal is down", result.Failure)
		require.True(t, f.sweptTo.IsZero())
		require.Empty(t, f.held, "an outage is no reason to hold a call back")
	})
	t.Run("a closed workflow is no charge", func(t *testing.T) {
		w := world()
		w.listed = append(w.listed, ended("ledger lost it", endedAt), ended("conflict", endedAt), ended("charged a moment ago", endedAt))
		w.workflows["ledger lost it"], w.workflows["conflict"] = StartedAgain, ChargeFailed
		f := newSweepFixture(t, w)
		for _, p := range []SweepWindowParams{{DryRun: true}, {Advance: true}, {}} {
			result, err := f.run(p)
			require.NoError(t, err)
			require.Equal(t, 1, result.Counts.Recharged)
			require.Equal(t, 1, result.Counts.Conflicts)
			require.Contains(t, result.Examples, "ledger lost it")
		}
		require.NotContains(t, f.started, "conflict", "a failed workflow is not started again")
		require.InDelta(t, 2, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "recharged")), 0)
		require.InDelta(t, 2, testutil.ToFloat64(f.sweeps.metrics.calls.WithLabelValues("clinic", "conflict")), 0)
		require.Equal(t, window.To, f.sweptTo.UTC(), "neither stops the progress")
	})
	t.Run("a call that cannot be started is held back", func(t *testing.T) {
		w := world()
		refused := &PermanentStartError{errors.New("WorkflowId length exceeds limit")}
		w.startErrs = map[string]error{"lost": refused}
		for _, hash := range []string{"abc", "def"} {
			w.unreadable = append(w.unreadable, tencent.RecordRow{Hash: hash, Raw: `{"CallId":[7]}`, Problems: []tencent.FieldError{{Field: "CallId", Problem: "must be text"}}})
		}
		f := newSweepFixture(t, w)
		key := ledger.HeldCallKey("lost")
		for range 2 { // the second is before the next attempt
			result, err := f.run(SweepWindowParams{Advance: true})
			require.NoError(t, err)
			require.Equal(t, SweepCounts{Listed: 6, Known: 2, HeldBack: 3, BeforeGoLive: 1}, result.Counts)
			require.Equal(t, window.To, f.sweptTo.UTC(), "the progress does not wait for it")
			require.Len(t, f.held, 3)
			require.Equal(t, 1, f.held[key].Attempts)
			require.Equal(t, refused.Error(), f.held[key].Reason)
			require.Equal(t, 1, f.held[ledger.HeldRowKey("abc")].Attempts)
			require.Equal(t, `{"CallId":[7]}`, f.held[ledger.HeldRowKey("abc")].Item)
		}
		require.InDelta(t, 3, testutil.ToFloat64(f.sweeps.metrics.held.WithLabelValues("clinic")), 0)

		w.now = w.now.Add(6 * time.Minute)
		_, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, 2, f.held[key].Attempts, "it was due")

		// Tencent no longer lists them, and Temporal takes the call now.
		w.now, w.listed, w.unreadable, w.startErrs = w.now.Add(6*time.Minute), nil, nil, nil
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Recovered: 1, HeldBack: 2}, result.Counts)
		require.Equal(t, []string{"lost"}, f.started)
		require.Len(t, f.held, 2, "what cannot be read stays listed")
		require.InDelta(t, 2, testutil.ToFloat64(f.sweeps.metrics.held.WithLabelValues("clinic")), 0)
	})
	t.Run("what is handled is no longer held back", func(t *testing.T) {
		for name, handled := range map[string]func(*sweepWorld){
			"in the ledger": func(w *sweepWorld) { w.inLedger["lost"] = true },
			"running":       func(w *sweepWorld) { w.workflows["lost"], w.listedToo = StillRunning, true },
		} {
			t.Run(name, func(t *testing.T) {
				w := world()
				key := ledger.HeldCallKey("lost")
				w.held = map[string]ledger.Held{key: {Key: key, CallID: "lost", NextAttemptAt: endedAt.Add(time.Hour)}}
				handled(w)
				f := newSweepFixture(t, w)
				w.releaseErr = errors.New("connection refused")
				_, err := f.run(SweepWindowParams{Advance: true})
				require.Equal(t, LedgerUnavailable, errorType(err))
				require.Len(t, f.held, 1)
				w.releaseErr = nil
				_, err = f.run(SweepWindowParams{Advance: true})
				require.NoError(t, err)
				require.Equal(t, 1, f.logs.Count("no longer held back"))
				require.Empty(t, f.held)
				require.Empty(t, f.started)
			})
		}
	})
	t.Run("what is held back and not listed is looked up in the ledger", func(t *testing.T) {
		key := ledger.HeldCallKey("lost")
		w := &sweepWorld{inLedger: map[string]bool{"lost": true}, held: map[string]ledger.Held{key: {Key: key, CallID: "lost", Item: `{"CallId":"lost"}`}}}
		f := newSweepFixture(t, w)
		_, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Empty(t, f.held)
		require.Empty(t, f.started)
	})
	t.Run("a call whose record was too long to be kept whole is tried by its CallId", func(t *testing.T) {
		key := ledger.HeldCallKey("lost")
		w := &sweepWorld{held: map[string]ledger.Held{key: {Key: key, CallID: "lost", Item: `{"CallId":"lost","CalleeList_Account":["a…`}}}
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Recovered: 1}, result.Counts)
		require.Equal(t, []string{"lost"}, f.started)
		require.Empty(t, f.held)
	})
	t.Run("a call in review that Tencent lists looks for its record again", func(t *testing.T) {
		w := world()
		w.listedToo, w.inReview = true, map[string]bool{"has a workflow": true}
		f := newSweepFixture(t, w)
		_, err := f.run(SweepWindowParams{DryRun: true})
		require.NoError(t, err)
		require.Empty(t, f.rechecked)
		_, err = f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, []string{"has a workflow"}, f.rechecked)
		const warning = "could not be made to look for its record again"
		require.Zero(t, f.logs.Count(warning))
		w.recheckErr = errors.New("Temporal is down")
		_, err = f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, 1, f.logs.Count(warning))
	})
	t.Run("Tencent counts more than it lists", func(t *testing.T) {
		w := world()
		w.total = 5
		f := newSweepFixture(t, w)
		result, err := f.run(SweepWindowParams{Advance: true})
		require.NoError(t, err)
		require.Equal(t, 1, result.Counts.Unlisted)
		require.Equal(t, window.To, f.sweptTo.UTC())
		require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.metrics.unlisted.WithLabelValues("clinic")), 0)
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
	require.InDelta(t, time.Now().Unix(), testutil.ToFloat64(f.sweeps.metrics.swept.WithLabelValues("clinic")), 60, "exported from the start")
	require.NoError(t, f.sweeps.exportProgress(t.Context()))
	require.InDelta(t, w.now.Unix(), testutil.ToFloat64(f.sweeps.metrics.swept.WithLabelValues("clinic")), 0, "by the clock of the ledger")
	start := w.now
	w.now = start.Add(time.Hour)
	require.NoError(t, f.sweeps.exportProgress(t.Context()))
	require.InDelta(t, start.Unix(), testutil.ToFloat64(f.sweeps.metrics.swept.WithLabelValues("clinic")), 0, "a sweep that never runs is behind")
	w.now = start
	require.InDelta(t, 60+5*300/2, testutil.ToFloat64(f.sweeps.metrics.lagLimit.WithLabelValues("clinic")), 0)
	plan, err := f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	require.Equal(t, endedAt.Add(-25*time.Hour), plan.Windows[0].From, "the first sweep begins at go_live, less the overlap")
	require.Equal(t, endedAt.Add(time.Minute), plan.Windows[len(plan.Windows)-1].To)

	w.sweptTo = endedAt
	plan, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	require.Equal(t, []sweep.Window{{From: endedAt.Add(-time.Hour), To: endedAt.Add(time.Minute)}}, plan.Windows)
	require.NoError(t, f.sweeps.exportProgress(t.Context()))
	require.InDelta(t, endedAt.Unix(), testutil.ToFloat64(f.sweeps.metrics.swept.WithLabelValues("clinic")), 0)

	plan, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic, TimeRange: &window})
	require.NoError(t, err)
	require.Equal(t, []sweep.Window{window}, plan.Windows, "a backfill lists the given time range")

	_, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic + 1})
	require.Equal(t, AppNotConfigured, errorType(err))
	w.ledgerErr = errors.New("connection refused")
	_, err = f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.Equal(t, LedgerUnavailable, errorType(err))
}

// TestProgressIsNotExportedWithoutSweeps, nor where the ledger does not answer.
func TestProgressIsNotExportedWithoutSweeps(t *testing.T) {
	w := &sweepWorld{countErr: errors.New("connection refused")}
	apps := []SweepApp{{ID: clinic, Name: "clinic"}}
	s := NewSweeps(apps, w, w, prometheus.NewRegistry())
	require.ErrorIs(t, s.exportProgress(t.Context()), w.countErr)
	w.countErr = nil
	require.NoError(t, s.exportProgress(t.Context()))
	require.Zero(t, testutil.CollectAndCount(s.metrics.swept))
	require.Zero(t, testutil.CollectAndCount(s.metrics.lagLimit))
}

// TestProgressInTheFuture has a sweep find progress that a worker wrote whose
// clock was ahead.
func TestProgressInTheFuture(t *testing.T) {
	w := &sweepWorld{sweptTo: endedAt.Add(time.Hour)}
	f := newSweepFixture(t, w)
	value, err := f.env.ExecuteActivity("PlanSweep", PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	var plan PlanSweepResult
	require.NoError(t, value.Get(&plan))
	require.Equal(t, endedAt.Add(-25*time.Hour), plan.Windows[0].From.UTC(), "as for the first sweep")
	require.Equal(t, endedAt.Add(time.Minute), plan.Windows[len(plan.Windows)-1].To.UTC())
	require.Equal(t, endedAt.Add(time.Hour), plan.CorrectedFrom.UTC())
	require.True(t, w.sweptTo.IsZero())
	require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.metrics.corrected.WithLabelValues("clinic")), 0)

	w.sweptTo = w.now // within the settle delay: nothing to correct
	value, err = f.env.ExecuteActivity("PlanSweep", PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	plan = PlanSweepResult{}
	require.NoError(t, value.Get(&plan))
	require.Empty(t, plan.Windows)
	require.True(t, plan.CorrectedFrom.IsZero())
}
