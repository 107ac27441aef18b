package activities

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// TestGatewayThatAsksForNoDelay is an outage of the network, not a limit: only a
// Retry-After slows requests down.
func TestGatewayThatAsksForNoDelay(t *testing.T) {
	err := defaultType(classify(&tencent.HTTPError{Status: 502}), RecordAPIUnavailable)
	var appErr *temporal.ApplicationError
	require.ErrorAs(t, err, &appErr)
	require.Equal(t, RecordAPIUnavailable, appErr.Type())
	require.Zero(t, appErr.NextRetryDelay())
}

func TestAttemptsAreCountedByOutcome(t *testing.T) {
	for outcome, err := range map[string]error{
		"delivered": nil,
		"failed":    retryAfter(0, TargetUnavailable, errors.New("503")),
		"refused":   permanent(TargetRefused, errors.New("410")),
	} {
		f := newFixture(t)
		f.acts.metrics.countAttempt("crm", err)
		for _, label := range []string{"delivered", "failed", "refused"} {
			want := 0.0
			if label == outcome {
				want = 1
			}
			require.InDelta(t, want, testutil.ToFloat64(f.acts.metrics.deliveries.WithLabelValues("crm", label)), 0, "%s of %s", label, outcome)
		}
	}
}

// TestRetryDelayGrows checks the bounds of every delay: half and one and a half
// times a delay that doubles up to its maximum, however many attempts there were.
func TestRetryDelayGrows(t *testing.T) {
	for attempt, want := range map[int]time.Duration{2: 2 * time.Second, 3: 4 * time.Second, 9: 256 * time.Second, 12: 10 * time.Minute, 80: 10 * time.Minute} {
		for range 100 {
			delay := retryDelay(attempt, 0)
			require.GreaterOrEqual(t, delay, want/2)
			require.Less(t, delay, want*3/2)
		}
	}
}

// TestSweepAtGoLive: a call that ended exactly at go_live is charged, and one whose
// end is not known.
func TestSweepAtGoLive(t *testing.T) {
	goLive := endedAt.Add(-24 * time.Hour)
	w := &sweepWorld{listed: []tencent.CallRecord{ended("at go_live", goLive), ended("a second before", goLive.Add(-time.Second)), {CallID: "who knows when"}}}
	f := newSweepFixture(t, w)
	result, err := f.run(SweepWindowParams{Advance: true})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"at go_live", "who knows when"}, f.started)
	require.Equal(t, 1, result.Counts.BeforeGoLive)
}

// TestFirstStart has no go_live: sweeps begin at the first start of the app, and a
// backfill takes in what lies before.
func TestFirstStart(t *testing.T) {
	start := endedAt.Add(-time.Hour)
	w := &sweepWorld{
		firstStart: start, now: endedAt,
		listed: []tencent.CallRecord{ended("two days before", start.Add(-48*time.Hour)), ended("a second before", start.Add(-time.Second)), ended("at the start", start)},
	}
	f := newSweepFixture(t, w)
	app := f.sweeps.apps[clinic]
	app.GoLive = time.Time{}
	f.sweeps.apps[clinic] = app

	plan, err := f.sweeps.PlanSweep(t.Context(), PlanSweepParams{SDKAppID: clinic})
	require.NoError(t, err)
	require.Equal(t, start.Add(-app.Settings.Overlap), plan.Windows[0].From.UTC())
	result, err := f.run(SweepWindowParams{Advance: true})
	require.NoError(t, err)
	require.Equal(t, []string{"at the start"}, f.started)
	require.Equal(t, 2, result.Counts.BeforeGoLive)

	f.started = nil
	result, err = f.run(SweepWindowParams{})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"two days before", "a second before", "at the start"}, f.started)
	require.Zero(t, result.Counts.BeforeGoLive)

	// An app that was in use before the first start was recorded goes on as it was.
	w.firstStart, w.sweptTo, f.started = time.Time{}, time.Time{}, nil
	_, err = f.run(SweepWindowParams{Advance: true})
	require.NoError(t, err)
	require.Len(t, f.started, 3)
}

// TestSweepKeepsItsResultSmall: all calls count, some are named.
func TestSweepKeepsItsResultSmall(t *testing.T) {
	w := &sweepWorld{}
	for i := range maxExamples + 5 {
		w.listed = append(w.listed, ended(fmt.Sprint("call-", i), endedAt))
	}
	f := newSweepFixture(t, w)
	result, err := f.run(SweepWindowParams{Advance: true})
	require.NoError(t, err)
	require.Equal(t, maxExamples+5, result.Counts.Recovered)
	require.Len(t, result.Examples, maxExamples)
}

func TestCountsAreAdded(t *testing.T) {
	a := SweepCounts{Listed: 1, Known: 2, Recovered: 3, Failed: 4, BeforeGoLive: 5, Recharged: 6, HeldBack: 7, Conflicts: 8, Unlisted: 9}
	require.Equal(t, SweepCounts{Listed: 2, Known: 4, Recovered: 6, Failed: 8, BeforeGoLive: 10, Recharged: 12, HeldBack: 14, Conflicts: 16, Unlisted: 18}, a.Add(a))
}
