package contestant

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// setnxRetention is how long Redis keeps a call's key.
const setnxRetention = 24 * time.Hour

// setnxEngine is SETNX and a goroutine: minimal work per call, and all pending
// calls are lost when the process ends.
type setnxEngine struct {
	redis   *redis.Client
	work    *Work
	logger  *slog.Logger
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	pending sync.WaitGroup
}

func startSetNX(ctx context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error) {
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		return nil, err
	}
	e := &setnxEngine{redis: redis.NewClient(options), work: w, logger: logger}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return e, nil
}

// Accept sets the call's key and processes the call in the background.
func (e *setnxEngine) Accept(ctx context.Context, c Call) error {
	first, err := e.redis.SetNX(ctx, c.ID(), 1, setnxRetention).Result()
	if err != nil || !first {
		return err
	}
	e.pending.Go(func() {
		timer := time.NewTimer(c.Wait())
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-e.ctx.Done():
			return
		}
		// Nothing retries it.
		if err := e.work.Process(e.ctx, c); err != nil {
			e.logger.Error("call lost", "call_id", c.CallID, "error", err)
		}
	})
	return nil
}

// Close drops the pending calls.
func (e *setnxEngine) Close() {
	e.cancel()
	e.pending.Wait()
	_ = e.redis.Close() // the process is about to end
}
