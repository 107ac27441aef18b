package contestant

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// setnxRetention is how long a call is remembered.
const setnxRetention = 24 * time.Hour

// memory is SETNX and a goroutine: next to nothing to do for a call, and
// nothing left of it when the process dies.
type memory struct {
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
	m := &memory{redis: redis.NewClient(options), work: w, logger: logger}
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return m, nil
}

// Accept remembers the call and works on it in the background.
func (m *memory) Accept(ctx context.Context, c Call) error {
	first, err := m.redis.SetNX(ctx, c.ID(), 1, setnxRetention).Result()
	if err != nil || !first {
		return err
	}
	m.pending.Go(func() {
		timer := time.NewTimer(c.Wait())
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-m.ctx.Done():
			return
		}
		// There is nothing that would try again.
		if err := m.work.All(m.ctx, c); err != nil {
			m.logger.Error("call lost", "call_id", c.CallID, "error", err)
		}
	})
	return nil
}

// Close drops what waits.
func (m *memory) Close() {
	m.cancel()
	m.pending.Wait()
	_ = m.redis.Close() // the process ends next
}
