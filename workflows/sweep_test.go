package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/notify"
	"aftercall/internal/sweep"
	"aftercall/workflows"
)

func windows(n int) []sweep.Window {
	all := make([]sweep.Window, n)
	for i := range all {
		all[i] = sweep.Window{From: endedAt.Add(time.Duration(i) * time.Hour), To: endedAt.Add(time.Duration(i+1) * time.Hour)}
	}
	return all
}

func (e *env) plans(w []sweep.Window) {
	e.OnActivity("PlanSweep", mock.Anything, mock.Anything).Return(activities.PlanSweepResult{Windows: w}, nil).Once()
}

// sweeps returns the params of every SweepWindow, whose result answer makes.
func (e *env) sweeps(answer func(activities.SweepWindowParams) (activities.SweepWindowResult, error)) *[]activities.SweepWindowParams {
	var asked []activities.SweepWindowParams
	e.OnActivity("SweepWindow", mock.Anything, mock.Anything).Return(
		func(_ context.Context, p activities.SweepWindowParams) (activities.SweepWindowResult, error) {
			asked = append(asked, p)
			return answer(p)
		})
	return &asked
}

func (e *env) sweep(p workflows.SweepParams) (workflows.SweepResult, error) {
	e.t.Helper()
	p.SDKAppID, p.App = 1400000000, "clinic"
	e.ExecuteWorkflow(workflows.SweepName, p)
	require.True(e.t, e.IsWorkflowCompleted())
	var result workflows.SweepResult
	if err := e.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(e.t, e.GetWorkflowResult(&result))
	return result, nil
}

func found3(activities.SweepWindowParams) (activities.SweepWindowResult, error) {
	return activities.SweepWindowResult{Counts: activities.SweepCounts{Listed: 3, Known: 2, Recovered: 1}, Examples: []string{"lost"}}, nil
}

func TestSweep(t *testing.T) {
	e := newEnv(t)
	e.plans(windows(3))
	asked := e.sweeps(found3)
	result, err := e.sweep(workflows.SweepParams{})
	require.NoError(t, err)
	require.Equal(t, activities.SweepCounts{Listed: 9, Known: 6, Recovered: 3}, result.SweepCounts)
	require.Equal(t, 3, result.Windows)
	for i, p := range *asked {
		require.Equal(t, windows(3)[i].From, p.Window.From.UTC(), "in order")
		require.True(t, p.Advance)
	}
}

// TestSweepNotifiesOfRecoveredCalls has a sweep that recovers calls, one that stops half-way,
// one that only looks, and one that finds nothing lost.
func TestSweepNotifiesOfRecoveredCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		dryRun bool
		answer func(activities.SweepWindowParams) (activities.SweepWindowResult, error)
		want   *notify.SweepData
	}{
		"recovered": {answer: found3, want: &notify.SweepData{Listed: 6, Known: 4, Recovered: 2, Examples: []string{"lost", "lost"}, To: windows(2)[1].To}},
		"stopped": {answer: func(p activities.SweepWindowParams) (activities.SweepWindowResult, error) {
			if p.Window.From.After(endedAt) {
				return activities.SweepWindowResult{}, errHopeless
			}
			return found3(p)
		}, want: &notify.SweepData{Listed: 3, Known: 2, Recovered: 1, Examples: []string{"lost"}, To: windows(1)[0].To}},
		"dry run": {dryRun: true, answer: found3},
		"nothing lost": {answer: func(activities.SweepWindowParams) (activities.SweepWindowResult, error) {
			return activities.SweepWindowResult{Counts: activities.SweepCounts{Listed: 3, Known: 3}}, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.plans(windows(2))
			e.sweeps(tt.answer)
			if tt.want != nil {
				tt.want.App, tt.want.SDKAppID, tt.want.From = "clinic", 1400000000, endedAt
				e.OnWorkflow(workflows.DeliverName, mock.Anything, mock.Anything).Return(
					func(_ workflow.Context, p workflows.DeliverParams) (workflows.DeliverResult, error) {
						require.Equal(t, tt.want, p.Event.Sweep)
						require.Equal(t, notify.EventSweepRecovered, p.Event.Type)
						require.NotEmpty(t, p.MessageID)
						require.Empty(t, p.Targets, "the worker's configuration decides which")
						return workflows.DeliverResult{}, nil
					}).Once()
			}
			_, err := e.sweep(workflows.SweepParams{DryRun: tt.dryRun})
			require.Equal(t, name == "stopped", err != nil)
			require.NotContains(t, e.logs.String(), "no target is notified")
		})
	}
}

func TestSweepWhoseNotificationCannotBeStarted(t *testing.T) {
	e := newEnv(t)
	e.plans(windows(1))
	e.sweeps(found3)
	e.OnWorkflow(workflows.DeliverName, mock.Anything, mock.Anything).Return(workflows.DeliverResult{}, testsuite.ErrMockStartChildWorkflowFailed).Once()
	_, err := e.sweep(workflows.SweepParams{})
	require.NoError(t, err, "the calls are recovered")
	require.Contains(t, e.logs.String(), "no target is notified of the recovered calls")
}

func TestSweepWithoutWindows(t *testing.T) {
	e := newEnv(t)
	e.plans(nil)
	result, err := e.sweep(workflows.SweepParams{})
	require.NoError(t, err)
	require.Zero(t, result.Windows)
}

func TestSweepSplits(t *testing.T) {
	e := newEnv(t)
	e.plans(windows(2))
	asked := e.sweeps(func(p activities.SweepWindowParams) (activities.SweepWindowResult, error) {
		if p.Window.To.Sub(p.Window.From) > 20*time.Minute {
			halves, _ := p.Window.Halves()
			return activities.SweepWindowResult{Split: halves}, nil
		}
		return found3(p)
	})
	result, err := e.sweep(workflows.SweepParams{})
	require.NoError(t, err)
	require.Equal(t, 8, result.Windows)
	require.Equal(t, 8, result.Planned)
	var last time.Time
	for _, p := range *asked {
		if p.Window.To.Sub(p.Window.From) <= 20*time.Minute {
			require.False(t, p.Window.From.Before(last), "halves come before what follows them")
			last = p.Window.From
		}
	}
}

// TestSweepStopsWhereItCannotFinish: no window after an unfinished one may be
// listed, because the progress would pass it.
func TestSweepStopsWhereItCannotFinish(t *testing.T) {
	failing := func(p activities.SweepWindowParams) (activities.SweepWindowResult, error) {
		if p.Window.From.Equal(windows(3)[1].From) {
			return activities.SweepWindowResult{Counts: activities.SweepCounts{Listed: 1, Failed: 1}}, nil
		}
		return found3(p)
	}
	t.Run("sweep", func(t *testing.T) {
		e := newEnv(t)
		e.plans(windows(3))
		asked := e.sweeps(failing)
		result, err := e.sweep(workflows.SweepParams{})
		require.NoError(t, err)
		require.Len(t, *asked, 2)
		require.Equal(t, 1, result.Failed)
	})
	t.Run("backfill goes on", func(t *testing.T) {
		e := newEnv(t)
		e.plans(windows(3))
		asked := e.sweeps(failing)
		_, err := e.sweep(workflows.SweepParams{TimeRange: &sweep.Window{From: endedAt, To: endedAt.Add(3 * time.Hour)}})
		require.NoError(t, err)
		require.Len(t, *asked, 3)
		require.False(t, (*asked)[0].Advance, "a backfill leaves the progress alone")
	})
	t.Run("error", func(t *testing.T) {
		e := newEnv(t)
		e.plans(windows(3))
		e.sweeps(func(activities.SweepWindowParams) (activities.SweepWindowResult, error) {
			return activities.SweepWindowResult{}, errHopeless
		})
		_, err := e.sweep(workflows.SweepParams{})
		require.Equal(t, "Hopeless", errorTypes(err))
		require.NotContains(t, e.logs.String(), lost)
	})
}

// lost is the log line of lost callbacks.
const lost = `level=WARN msg="callbacks are being lost: calls were recovered by the sweep"`

func TestSweepWarnsOfLostCallbacks(t *testing.T) {
	t.Run("sweep", func(t *testing.T) {
		e := newEnv(t)
		e.plans(windows(2))
		e.sweeps(found3)
		_, err := e.sweep(workflows.SweepParams{})
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(e.logs.String(), lost))
		require.Contains(t, e.logs.String(), "app=clinic listed=6 known=4 recovered=2 failed=0")
	})
	t.Run("sweep that ends early", func(t *testing.T) {
		e := newEnv(t)
		e.plans(windows(2))
		e.sweeps(func(p activities.SweepWindowParams) (activities.SweepWindowResult, error) {
			if p.Window.From.Equal(windows(2)[1].From) {
				return activities.SweepWindowResult{}, errHopeless
			}
			return found3(p)
		})
		_, err := e.sweep(workflows.SweepParams{})
		require.Error(t, err)
		require.Contains(t, e.logs.String(), lost)
		require.Contains(t, e.logs.String(), "recovered=1")
	})
	t.Run("backfill", func(t *testing.T) {
		e := newEnv(t)
		e.plans(windows(2))
		e.sweeps(found3)
		_, err := e.sweep(workflows.SweepParams{TimeRange: &sweep.Window{From: endedAt, To: endedAt.Add(2 * time.Hour)}})
		require.NoError(t, err)
		require.NotContains(t, e.logs.String(), lost, "an operator started it")
		require.Contains(t, e.logs.String(), "backfill ended")
	})
}

func TestSweepContinuesAsNew(t *testing.T) {
	e := newEnv(t)
	e.plans(windows(250))
	e.sweeps(found3)
	_, err := e.sweep(workflows.SweepParams{DryRun: true})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &again)
	require.NotContains(t, e.logs.String(), "ended", "it has not")

	var next workflows.SweepParams
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Len(t, next.Continued.Pending, 50)
	require.Equal(t, 200, next.Continued.Done.Windows)
	require.True(t, next.DryRun)

	e = newEnv(t)
	e.sweeps(found3) // and no PlanSweep
	result, err := e.sweep(next)
	require.NoError(t, err)
	require.Equal(t, 250, result.Windows)
	require.Equal(t, 750, result.Listed)
	require.LessOrEqual(t, len(result.Examples), 20)
}

// TestLongSweepContinuesAsNew has windows that take long: the run must not reach
// its timeout.
func TestLongSweepContinuesAsNew(t *testing.T) {
	e := newEnv(t)
	e.plans(windows(4))
	e.OnActivity("SweepWindow", mock.Anything, mock.Anything).Return(found3(activities.SweepWindowParams{})).After(10 * time.Minute)
	_, err := e.sweep(workflows.SweepParams{})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &again)
	var params workflows.SweepParams
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &params))
	require.Len(t, params.Continued.Pending, 2, "after twenty minutes")
	require.Equal(t, 2, params.Continued.Done.Windows)
}

// TestSlowSweepThatIsNotTooLong has windows that end exactly when a run may still
// list another one, and a plan that takes longer than all: each run lists a window.
func TestSlowSweepThatIsNotTooLong(t *testing.T) {
	for name, tt := range map[string]struct{ plan, window time.Duration }{
		"windows": {0, 15 * time.Minute},
		"plan":    {20 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			n := 2
			if tt.plan > 0 {
				n = 1
			}
			e.OnActivity("PlanSweep", mock.Anything, mock.Anything).Return(activities.PlanSweepResult{Windows: windows(n)}, nil).After(tt.plan)
			e.OnActivity("SweepWindow", mock.Anything, mock.Anything).Return(found3(activities.SweepWindowParams{})).After(tt.window)
			result, err := e.sweep(workflows.SweepParams{DryRun: true})
			require.NoError(t, err)
			require.Equal(t, n, result.Windows)
		})
	}
}

// TestSweepNamesTheFirstFailure of a backfill, which goes on.
func TestSweepNamesTheFirstFailure(t *testing.T) {
	e := newEnv(t)
	e.plans(windows(3))
	failures := []string{"", "first", "second"}
	asked := 0
	e.sweeps(func(activities.SweepWindowParams) (activities.SweepWindowResult, error) {
		asked++
		return activities.SweepWindowResult{Failure: failures[asked-1]}, nil
	})
	result, err := e.sweep(workflows.SweepParams{TimeRange: &sweep.Window{From: endedAt, To: endedAt.Add(3 * time.Hour)}})
	require.NoError(t, err)
	require.Equal(t, "first", result.Failure)
}
