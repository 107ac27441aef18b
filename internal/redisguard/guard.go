// Package redisguard is how this project talks to Redis: with a timeout for
// each command, and with no commands at all during an outage, until a probe
// finds that Redis is up again. Its users can work without Redis for a while.
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

// ErrDown is what Do returns while Redis is known to be down.
var ErrDown = errors.New("redis is down")

// probeKey is written by probes: a Redis that answers but accepts no writes
// (out of memory, read-only replica) counts as down.
const probeKey = "aftercall:probe"

const (
	// minProbeDelay is the wait before the first probe of an outage. It doubles
	// for each further one, up to maxProbeDelay.
	minProbeDelay = 100 * time.Millisecond
	maxProbeDelay = 2 * time.Second
)

// RecoveryTime is the time within which every service notices that Redis is up
// again.
const RecoveryTime = maxProbeDelay + ServiceTimeout

// Guard keeps an outage of Redis from costing every request its timeout: after
// the first failure it sends no commands, and one goroutine probes until Redis
// is up again. The usual circuit breakers let a request pay for the probe,
// which a callback has no time for. A Guard is safe for concurrent use.
type Guard struct {
	redis   *redis.Client
	logger  *slog.Logger
	timeout time.Duration
	// probeDelay is minProbeDelay, except in tests.
	probeDelay time.Duration

	down       atomic.Bool
	lastChange atomic.Int64 // Unix ns at which down changed, 0 for never
	outages    prometheus.Counter
	duration   prometheus.Histogram

	ctx    context.Context // ends the prober at Close
	cancel context.CancelFunc
	mu     sync.Mutex // orders the start of a prober and Close
	wg     sync.WaitGroup
}

// New returns a Guard of rdb, which comes from NewClient: its timeout bounds
// each command. The caller closes rdb, after the Guard. ctx bounds the probing
// during an outage, not single commands.
func New(ctx context.Context, rdb *redis.Client, reg prometheus.Registerer, logger *slog.Logger) *Guard {
	ctx, cancel := context.WithCancel(ctx)
	g := &Guard{
		redis: rdb, logger: logger, timeout: rdb.Options().DialTimeout, probeDelay: minProbeDelay,
		ctx: ctx, cancel: cancel,
	}
	factory := promauto.With(reg)
	g.outages = factory.NewCounter(prometheus.CounterOpts{
		Name: "aftercall_redis_outages_total",
		Help: "Outages of Redis; each is logged once.",
	})
	g.duration = factory.NewHistogram(prometheus.HistogramOpts{
		Name:    "aftercall_redis_duration_seconds",
		Help:    "Duration of commands to Redis, including failed ones; none are sent during an outage.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1},
	})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aftercall_redis_up",
		Help: "1 while Redis answers, 0 during an outage.",
	}, func() float64 {
		if g.Up() {
			return 1
		}
		return 0
	})
	return g
}

// Do runs one command, or several that share one timeout, unless Redis is known
// to be down. redis.Nil is not an error. An error after ctx has ended does not
// count as an outage.
func (g *Guard) Do(ctx context.Context, command func(context.Context, redis.UniversalClient) error) error {
	if g.down.Load() {
		return ErrDown
	}
	start := time.Now()
	err := command(withDeadline(ctx, start.Add(g.timeout)), g.redis)
	g.duration.Observe(time.Since(start).Seconds())
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	if ctx.Err() == nil {
		g.markDown(err)
	}
	return err
}

// deadlineContext has a deadline and no timer: go-redis sets the deadline on
// the connection, which ends every wait on it.
type deadlineContext struct {
	context.Context
	deadline time.Time
}

func withDeadline(ctx context.Context, deadline time.Time) context.Context {
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		return ctx
	}
	return deadlineContext{ctx, deadline}
}

// Deadline implements context.Context.
func (d deadlineContext) Deadline() (time.Time, bool) { return d.deadline, true }

// markDown starts an outage, once however many commands fail.
func (g *Guard) markDown(cause error) {
	if !g.down.CompareAndSwap(false, true) {
		return
	}
	g.lastChange.Store(time.Now().UnixNano())
	g.outages.Inc()
	g.logger.Warn("Redis is down: continuing without it until it is up again", "error", cause)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() == nil {
		g.wg.Go(g.probeUntilUp)
	}
}

func (g *Guard) probeUntilUp() {
	since := time.Now()
	for delay := g.probeDelay; ; delay = min(2*delay, maxProbeDelay) {
		select {
		case <-g.ctx.Done():
			return
		case <-time.After(delay):
		}
		if g.Ping(g.ctx) == nil {
			g.lastChange.Store(time.Now().UnixNano())
			g.down.Store(false)
			g.logger.Info("Redis is up again", "outage", time.Since(since).Round(time.Millisecond))
			return
		}
	}
}

// Up reports whether the last command or probe succeeded.
func (g *Guard) Up() bool { return !g.down.Load() }

// LastChange is when Up last changed, the zero time for never.
func (g *Guard) LastChange() time.Time {
	if at := g.lastChange.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Ping checks that Redis accepts a write, also during an outage.
func (g *Guard) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	return g.redis.Set(ctx, probeKey, "1", time.Second).Err()
}

// Close stops the probing.
func (g *Guard) Close() {
	g.mu.Lock()
	g.cancel()
	g.mu.Unlock()
	g.wg.Wait()
}
