// Package redisguard is how this project talks to Redis: with a timeout per
// command, and in an outage not at all, until one probe finds Redis back.
// Whoever uses it can do without Redis for a while.
package redisguard

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

// Timeout bounds one round trip. A Redis that needs longer is treated as down.
const Timeout = 100 * time.Millisecond

// ErrDown is what Do returns while Redis is known to be down.
var ErrDown = errors.New("redis is down")

// probeKey is written by probes: a Redis that answers but takes no writes
// (out of memory, read-only replica) is as good as down.
const probeKey = "aftercall:probe"

// Guard keeps an outage of Redis from costing every request its timeout: the
// first failure shuts it, and one goroutine, not the requests, finds out when
// Redis is back. That is why this is not one of the usual circuit breakers,
// which let a request pay for the probe. It is safe for concurrent use.
type Guard struct {
	redis  redis.UniversalClient
	logger *slog.Logger
	// Timeout bounds one command; Backoff is the first pause between probes,
	// which doubles up to 2 s. Change them before the first use only.
	Timeout, Backoff time.Duration

	down    atomic.Bool
	changed atomic.Int64 // Unix ns at which down changed last, 0 for never
	outages prometheus.Counter
	took    prometheus.Histogram

	ctx    context.Context // ends the watcher at close
	cancel context.CancelFunc
	mu     sync.Mutex // orders the start of a watcher and close
	wg     sync.WaitGroup
}

// maxBackoff is the longest pause between probes.
const maxBackoff = 2 * time.Second

// Handover is within which all processes notice that Redis is back.
const Handover = maxBackoff + Timeout

// New returns a Guard of rdb, which stays the caller's to close, after the
// Guard. ctx bounds the watching for Redis to come back, not single commands.
func New(ctx context.Context, rdb redis.UniversalClient, reg prometheus.Registerer, logger *slog.Logger) *Guard {
	ctx, cancel := context.WithCancel(ctx)
	g := &Guard{
		redis: rdb, logger: logger, Timeout: Timeout, Backoff: 100 * time.Millisecond,
		ctx: ctx, cancel: cancel,
	}
	factory := promauto.With(reg)
	g.outages = factory.NewCounter(prometheus.CounterOpts{
		Name: "aftercall_redis_outages_total",
		Help: "Outages of Redis; each is logged once.",
	})
	g.took = factory.NewHistogram(prometheus.HistogramOpts{
		Name:    "aftercall_redis_duration_seconds",
		Help:    "Commands to Redis, failed ones too; none are sent during an outage.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1},
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

// Do runs one Redis command under the timeout, unless Redis is known to be
// down. redis.Nil is no error; the end of the caller's own ctx is no outage.
func (g *Guard) Do(ctx context.Context, command func(context.Context, redis.UniversalClient) error) error {
	if g.down.Load() {
		return ErrDown
	}
	start := time.Now()
	err := command(within(ctx, start.Add(g.Timeout)), g.redis)
	g.took.Observe(time.Since(start).Seconds())
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	if ctx.Err() == nil {
		g.shut(err)
	}
	return err
}

// deadline is a context with a deadline and no timer: go-redis sets it on the
// connection, which ends whatever waits there.
type deadline struct {
	context.Context
	at time.Time
}

func within(ctx context.Context, at time.Time) context.Context {
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(at) {
		return ctx
	}
	return deadline{ctx, at}
}

// Deadline implements context.Context.
func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

// shut marks Redis as down and starts the watcher, once per outage.
func (g *Guard) shut(cause error) {
	if !g.down.CompareAndSwap(false, true) {
		return
	}
	g.changed.Store(time.Now().UnixNano())
	g.outages.Inc()
	g.logger.Warn("Redis does not answer: going on without it until it is back", "error", cause)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() == nil {
		g.wg.Go(g.watch)
	}
}

// watch probes until Redis is back.
func (g *Guard) watch() {
	since := time.Now()
	for pause := g.Backoff; ; pause = min(2*pause, maxBackoff) {
		select {
		case <-g.ctx.Done():
			return
		case <-time.After(pause):
		}
		if g.Ping(g.ctx) == nil {
			g.changed.Store(time.Now().UnixNano())
			g.down.Store(false)
			g.logger.Info("Redis is back", "outage", time.Since(since).Round(time.Millisecond))
			return
		}
	}
}

// Up reports whether the last word from Redis was a good one.
func (g *Guard) Up() bool { return !g.down.Load() }

// Changed is when Up last began to say otherwise, the zero time for never.
func (g *Guard) Changed() time.Time {
	if at := g.changed.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Ping asks Redis whether it takes a write.
func (g *Guard) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	return g.redis.Set(ctx, probeKey, "1", time.Second).Err()
}

// Close stops watching for Redis to come back.
func (g *Guard) Close() {
	g.mu.Lock()
	g.cancel()
	g.mu.Unlock()
	g.wg.Wait()
}
