package local_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/ledger"
	windows "aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// sweep lists the last ten minutes of the clinic, besides its schedule. It
// names them, because a sweep just after another one has nothing to list.
func sweep(ctx context.Context, t *testing.T) workflows.SweepResult {
	t.Helper()
	run, err := shared.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "sweep-test:" + uuid.NewString(), TaskQueue: "aftercall",
	}, workflows.SweepName, workflows.SweepParams{
		SDKAppID: 1400000000, App: "clinic",
		TimeRange: &windows.Window{From: time.Now().Add(-10 * time.Minute).Truncate(time.Second), To: time.Now().Truncate(time.Second)},
	})
	require.NoError(t, err)
	var result workflows.SweepResult
	require.NoError(t, run.Get(ctx, &result))
	return result
}

// TestRateLimit lets the scheduled sweep and backfills list page by page while
// calls arrive, and counts at Tencent's side.
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
			sweep(ctx, t)
			return nil
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
	require.Greater(t, stats.API(1400000000, tencentsim.APIRecordByFilter).Requests, 3*150, "enough requests to be held back")
	require.GreaterOrEqual(t, stats.API(1400000000, tencentsim.APIRecordByCallID).Requests, len(calls), "live load")
	require.LessOrEqual(t, stats.MaxReceivedPerSecond[1400000000], tencent.MaxRequestsPerSecond)
}

// scheduledSweep runs the schedule of an app's sweep now, and waits until a
// sweep has listed everything up to now, less the settle delay.
func scheduledSweep(ctx context.Context, app tencent.SDKAppID) error {
	book, err := ledger.OpenReadOnly(ctx, "sqlite:"+shared.LedgerPath())
	if err != nil {
		return err
	}
	defer book.Close()
	want := time.Now().Add(-10 * time.Second).Truncate(time.Second)
	schedule := shared.Temporal.ScheduleClient().GetHandle(ctx, workflows.SweepID(app))
	for {
		if err := schedule.Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
			return err
		}
		to, err := book.SweptTo(ctx, app)
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

// handledOnce follows the calls and checks that each is in the ledger exactly
// once, to its record, and was told of exactly once.
func handledOnce(ctx context.Context, t *testing.T, calls []tencentsim.Call) {
	t.Helper()
	book, err := ledger.Open(ctx, "sqlite:"+shared.LedgerPath(), ledger.Options{})
	require.NoError(t, err)
	defer book.Close()
	for _, call := range calls {
		entries, err := book.Get(ctx, call.SDKAppID, call.Record.CallID)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, call.Record, entries[0].Record)
		require.Equal(t, 1, shared.Arrivals("crm", call.Record.CallID))
	}
}

// TestLostCallbacksAreRecovered loses half of the callbacks, and sweeps while
// the others arrive.
func TestLostCallbacksAreRecovered(t *testing.T) {
	ctx := testContext(t)
	require.NoError(t, shared.Tencent.SetFaults(tencentsim.Faults{LossShare: 0.5, LossSeed: 7}))
	t.Cleanup(func() { require.NoError(t, shared.Tencent.ClearFaults()) })
	// The record API cuts pages down, and its pages overlap and miss records.
	require.NoError(t, shared.Tencent.SetFilterRules(tencentsim.FilterRules{MaxPageSize: 7, Unstable: true}))
	t.Cleanup(func() { require.NoError(t, shared.Tencent.SetFilterRules(tencentsim.FilterRules{})) })

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
	require.GreaterOrEqual(t, recovered, lost, "a sweep may be faster than a callback, never slower than a lost one")
	handledOnce(ctx, t, calls)
	require.Zero(t, sweep(ctx, t).Recovered, "a second sweep finds nothing to do")
}

// TestSweepAfterEverythingWasForgotten flushes Redis' and Temporal's memory of
// calls that the sweep lists again: the ledger decides.
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
