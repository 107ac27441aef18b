package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"go.temporal.io/sdk/worker"

	"aftercall/internal/clock"
)

// RunWorker runs a worker until ctx ends, and then until its activities have ended.
// It runs none while the clock of this process is wrong by Temporal's: the SDK measures
// by it the deadlines that Temporal sets, and would give up every activity, which other
// workers can do. What has been stopped cannot be started again, so newWorker makes
// another one.
func RunWorker(ctx context.Context, newWorker func() worker.Worker, clocks *clock.Watch, polling *atomic.Bool, logger *slog.Logger) error {
	for {
		if !clocks.Right(clock.Temporal) {
			logger.ErrorContext(ctx, "this worker takes no tasks, and leaves them to others, until its clock agrees with Temporal's: "+clock.Cure)
		}
		if !clocks.Await(ctx, clock.Temporal, true) {
			return nil
		}
		w := newWorker()
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		polling.Store(true)
		logger.InfoContext(ctx, "worker started")
		wrong := clocks.Await(ctx, clock.Temporal, false)
		polling.Store(false)
		w.Stop()
		if !wrong {
			return nil
		}
	}
}
