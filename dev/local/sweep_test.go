package local_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	windows "aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// sweep sweeps the last ten minutes of the clinic, in addition to its schedule. It
// gives the time range, because a sweep just after another has nothing to list.
func sweep(ctx context.Context, t *testing.T) workflows.SweepResult {
	t.Helper()
	result, err := runSweep(ctx)
	require.NoError(t, err)
	return result
}

func runSweep(ctx context.Context) (result workflows.SweepResult, err error) {
	run, err := shared.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "sweep-test:" + uuid.NewString(), TaskQueue: "aftercall",
	}, workflows.SweepName, workflows.SweepParams{
		SDKAppID: 1400000000, App: "clinic",
		TimeRange: &windows.Window{From: time.Now().Add(-10 * time.Minute).Truncate(time.Second), To: time.Now().Truncate(time.Second)},
	})
	if err != nil {
		return result, err
	}
	err = run.Get(ctx, &result)
	return result, err
}

// TestRateLimit runs the scheduled sweep and other sweeps, page by page, while
// calls arrive, and counts the requests that Tencent receives.
func TestRateLimit(t *testing.T) {
	ctx := testContext(t)
	require.NoError(t, shared.Tencent.SetFaults(tencentsim.Faults{LossShare: 0.3, LossSeed: 3}))
	t.Cleanup(func() { require.NoError(t, shared.Tencent.ClearFaults()) })
	require.NoError(t, shared.Tencent.SetFilterRules(tencentsim.FilterRules{MaxPageSize: 1}))
	t.Cleanup(func() { require.NoError(t, shared.Tencent.SetFilterRules(tencentsim.FilterRules{})) })
	shared.Tencent.ResetStats()

	var calls []tencentsim.Call
	place := func(n int) {
		for range n {
			call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 30})
			require.NoError(t, err)
			calls = append(calls, call)
		}
	}
	place(150)
	var group errgroup.Group
	group.Go(func() error { return scheduledSweep(ctx, 1400000000) })
	for range 2 {
		group.Go(func() error {
			_, err := runSweep(ctx)
			return err
		})
	}
	place(50)
	require.NoError(t, group.Wait())
	sweep(ctx, t)
	for _, call := range calls {
		f, err := local.Follow(ctx, shared.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
	}
	handledOnce(ctx, t, calls)
	stats := shared.Tencent.Stats()
	require.Greater(t, stats.API(1400000000, tencentsim.APIRecordByFilter).Requests, 3*150, "more requests than the limit")
	require.GreaterOrEqual(t, stats.API(1400000000, tencentsim.APIRecordByCallID).Requests, len(calls), "the calls were processed meanwhile")
	// A busy machine delays requests, so that more than were sent within a second
	// arrive within one. Then the sweeps run again.
	require.Eventually(t, func() bool {
		if shared.Tencent.Stats().MaxReceivedPerSecond[1400000000] <= tencent.MaxRequestsPerSecond {
			return true
		}
		shared.Tencent.ResetStats()
		var sweeps errgroup.Group
		for range 3 {
			sweeps.Go(func() error {
				_, err := runSweep(ctx)
				return err
			})
		}
		require.NoError(t, sweeps.Wait())
		return false
	}, testTimeout, pollInterval)
}

// scheduledSweep triggers the schedule of an app's sweep, and waits until the app
// has been swept up to now, less the settle delay.
func scheduledSweep(ctx context.Context, app tencent.SDKAppID) error {
	store, err := ledger.OpenReadOnly(ctx, "sqlite:"+shared.LedgerPath())
	if err != nil {
		return err
	}
	defer store.Close()
	want := time.Now().Add(-10 * time.Second).Truncate(time.Second)
	schedule := shared.Temporal.ScheduleClient().GetHandle(ctx, workflows.SweepID(app))
	for {
		if err := schedule.Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
			return err
		}
		to, err := store.SweptTo(ctx, app)
		if err != nil || !to.Before(want) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// handledOnce requires that each call has exactly one ledger entry, with its
// record, and exactly one notification.
func handledOnce(ctx context.Context, t *testing.T, calls []tencentsim.Call) {
	t.Helper()
	store, err := ledger.Open(ctx, "sqlite:"+shared.LedgerPath(), ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	for _, call := range calls {
		entries, err := store.Get(ctx, call.SDKAppID, call.Record.CallID)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, call.Record, entries[0].Record)
		require.Equal(t, 1, shared.Arrivals("crm", call.Record.CallID))
	}
}

// TestLostCallbacksAreRecovered loses half of the callbacks, and sweeps while the
// others arrive.
func TestLostCallbacksAreRecovered(t *testing.T) {
	ctx := testContext(t)
	require.NoError(t, shared.Tencent.SetFaults(tencentsim.Faults{LossShare: 0.5, LossSeed: 7}))
	t.Cleanup(func() { require.NoError(t, shared.Tencent.ClearFaults()) })
	// The record API returns small pages that overlap and miss records.
	require.NoError(t, shared.Tencent.SetFilterRules(tencentsim.FilterRules{MaxPageSize: 7, Unstable: true}))
	t.Cleanup(func() { require.NoError(t, shared.Tencent.SetFilterRules(tencentsim.FilterRules{})) })
	require.NoError(t, shared.Webhooks.Fail(webhookreceiver.Failure{Target: "crm", Type: "sweep.recovered", Times: 1, Status: 503}))

	var calls []tencentsim.Call
	lost := 0
	for range 60 {
		call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 30})
		require.NoError(t, err)
		calls = append(calls, call)
		if call.Lost {
			lost++
		}
	}
	require.Positive(t, lost)
	require.Less(t, lost, len(calls))
	sweep(ctx, t)
	recovered := 0
	for _, call := range calls {
		f, err := local.Follow(ctx, shared.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		if f.Source == workflows.SourceSweep {
			recovered++
		}
	}
	require.GreaterOrEqual(t, recovered, lost, "every lost call, and those that the sweep found before their callback")
	handledOnce(ctx, t, calls)
	require.Zero(t, sweep(ctx, t).Recovered, "a second sweep finds nothing to do")
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(shared.Webhooks.Messages(webhookreceiver.Filter{Target: "crm", Type: "sweep.recovered"}), func(m webhookreceiver.Message) bool {
			return m.Attempts > 1 && m.Accepted > 0
		})
	}, testTimeout, pollInterval, "the sweep has ended, and its event is delivered all the same")
}

// TestSweepAfterEverythingWasForgotten sweeps calls that Redis and Temporal have
// forgotten: the ledger decides.
func TestSweepAfterEverythingWasForgotten(t *testing.T) {
	ctx := testContext(t)
	var calls []tencentsim.Call
	for range 5 {
		call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 30})
		require.NoError(t, err)
		calls = append(calls, call)
	}
	var group errgroup.Group
	for _, call := range calls {
		_, err := local.Follow(ctx, shared.Temporal, call)
		require.NoError(t, err)
		group.Go(func() error { return shared.Forget(ctx, call) })
	}
	require.NoError(t, group.Wait())
	result := sweep(ctx, t)
	require.Zero(t, result.Recovered)
	require.GreaterOrEqual(t, result.Known, len(calls))
	handledOnce(ctx, t, calls)
	for _, call := range calls {
		_, err := shared.Temporal.DescribeWorkflowExecution(ctx, local.WorkflowID(call), "")
		require.Error(t, err, "nothing was started")
	}
}

func TestSchedulesExist(t *testing.T) {
	ctx := testContext(t)
	for _, app := range shared.Config.Apps {
		description, err := shared.Temporal.ScheduleClient().GetHandle(ctx, workflows.SweepID(app.SDKAppID)).Describe(ctx)
		require.NoError(t, err)
		require.Len(t, description.Schedule.Spec.Intervals, 1)
	}
}
