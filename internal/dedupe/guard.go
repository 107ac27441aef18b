package dedupe

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"
)

// errDown is what do returns while Redis is known to be down.
var errDown = errors.New("redis is down")

// probeKey is written by probes: a Redis that answers but takes no writes
// (out of memory, read-only replica) is as good as down.
const probeKey = "aftercall:probe"

// guard keeps an outage of Redis from costing every request its timeout: the
// first failure shuts it, and one goroutine, not the requests, finds out when
// Redis is back. That is why this is not one of the usual circuit breakers,
// which let a request pay for the probe.
type guard struct {
	redis   redis.UniversalClient
	logger  *slog.Logger
	timeout time.Duration
	backoff time.Duration // first pause between probes; doubles up to maxBackoff

	down    atomic.Bool
	outages prometheus.Counter

	ctx    context.Context // ends the watcher at close
	cancel context.CancelFunc
	mu     sync.Mutex // orders the start of a watcher and close
	wg     sync.WaitGroup
}

const maxBackoff = 2 * time.Second

func newGuard(ctx context.Context, rdb redis.UniversalClient, reg prometheus.Registerer, logger *slog.Logger) *guard {
	ctx, cancel := context.WithCancel(ctx)
	g := &guard{
		redis: rdb, logger: logger, timeout: Timeout, backoff: 100 * time.Millisecond,
		ctx: ctx, cancel: cancel,
	}
	factory := promauto.With(reg)
	g.outages = factory.NewCounter(prometheus.CounterOpts{
		Name: "aftercall_redis_outages_total",
		Help: "Outages of Redis; each is logged once.",
	})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aftercall_redis_up",
		Help: "1 while Redis answers, 0 during an outage.",
	}, func() float64 {
		if g.down.Load() {
			return 0
		}
		return 1
	})
	return g
}

// do runs one Redis command under the timeout, unless Redis is known to be down.
func (g *guard) do(ctx context.Context, command func(context.Context) error) error {
	if g.down.Load() {
		return errDown
	}
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	err := command(ctx)
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	g.shut(err)
	return err
}

// shut marks Redis as down and starts the watcher, once per outage.
func (g *guard) shut(cause error) {
	if !g.down.CompareAndSwap(false, true) {
		return
	}
	g.outages.Inc()
	g.logger.Warn("Redis does not answer: duplicates are found by workflow ID alone until it is back", "error", cause)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() == nil {
		g.wg.Go(g.watch)
	}
}

// watch probes until Redis is back.
func (g *guard) watch() {
	since := time.Now()
	for pause := g.backoff; ; pause = min(2*pause, maxBackoff) {
		select {
		case <-g.ctx.Done():
			return
		case <-time.After(pause):
		}
		if g.probe(g.ctx) == nil {
			g.down.Store(false)
			g.logger.Info("Redis is back", "outage", time.Since(since).Round(time.Millisecond))
			return
		}
	}
}

func (g *guard) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	return g.redis.Set(ctx, probeKey, "1", time.Second).Err()
}

func (g *guard) close() {
	g.mu.Lock()
	g.cancel()
	g.mu.Unlock()
	g.wg.Wait()
}
