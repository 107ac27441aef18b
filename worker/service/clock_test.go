package service

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"aftercall/internal/clock"
	"aftercall/internal/temporalclient"
	"aftercall/internal/testenv"
)

// countedWorker counts how often one was started and stopped.
type countedWorker struct {
	worker.Worker
	started, stopped *atomic.Int32
}

func (w countedWorker) Start() error {
	w.started.Add(1)
	return nil
}

func (w countedWorker) Stop() { w.stopped.Add(1) }

// TestWorkerWithAWrongClock has a clock that is wrong at the start, then right, then
// wrong and right again. No worker runs while it is wrong.
func TestWorkerWithAWrongClock(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	logs := &testenv.Log{}
	logger := slog.New(slog.NewTextHandler(logs, nil))
	clocks := clock.NewWatch(
		func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, prometheus.NewRegistry(), logger,
		clock.Source{Name: clock.Temporal, Read: func(context.Context) (time.Time, error) { return time.Now(), nil }},
	)
	set := func(by time.Duration) {
		ahead.Store(int64(by))
		clocks.Measure(t.Context())
	}
	var started, stopped, made atomic.Int32
	var polling atomic.Bool
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	becomes := func(want bool, starts, stops int32) {
		t.Helper()
		require.Eventually(t, func() bool {
			return polling.Load() == want && started.Load() == starts && stopped.Load() == stops
		}, within, time.Millisecond)
	}
	set(10 * time.Minute)
	go func() {
		ended <- RunWorker(ctx, func() worker.Worker {
			made.Add(1)
			return countedWorker{started: &started, stopped: &stopped}
		}, clocks, &polling, logger)
	}()
	require.Eventually(t, func() bool { return logs.Count("this worker takes no tasks") == 1 }, within, time.Millisecond)
	becomes(false, 0, 0)
	set(30 * time.Second)
	becomes(true, 1, 0)
	set(-2 * time.Minute)
	becomes(false, 1, 1)
	require.Eventually(t, func() bool { return logs.Count("this worker takes no tasks") == 2 }, within, time.Millisecond)
	set(0)
	becomes(true, 2, 1)
	require.EqualValues(t, 2, made.Load(), "a worker that has ended cannot be started again")
	stop()
	require.NoError(t, <-ended)
	becomes(false, 2, 2)
}

// TestTemporalsClock reads it from a server, which has the clock of this machine.
func TestTemporalsClock(t *testing.T) {
	t.Parallel()
	c, stop := devServer(t, testenv.FreePort(t))
	defer stop()
	for range 3 {
		before := time.Now()
		now, err := temporalclient.Now(t.Context(), c, client.DefaultNamespace)
		require.NoError(t, err)
		require.WithinRange(t, now, before, time.Now())
	}
	_, err := temporalclient.Now(t.Context(), c, "missing")
	require.ErrorContains(t, err, "read Temporal's clock")
}
