// Package redisguard is how this project talks to Redis: with a timeout for
// each command, and with no commands at all during an outage, until a probe
// finds that Redis is up again. Its users can work without Redis for a while.
package redisguard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"aftercall/internal/places"
)

// ErrDown is what Do returns while Redis is known to be down.
var ErrDown = errors.New("redis is down")

// KeyPrefix begins every key of this project.
const KeyPrefix = "aftercall:"

// probeKey is written by probes: a Redis that answers but accepts no writes
// (out of memory, read-only replica) counts as down.
const probeKey = KeyPrefix + "probe"

const (
	// keepInterval is how often idle connections are used, which keeps them open
	// where the network closes those that are not.
	keepInterval = 30 * time.Second
	// minProbeDelay is the wait before the first probe of an outage. It doubles
	// for each further one, up to maxProbeDelay.
	minProbeDelay = 100 * time.Millisecond
	maxProbeDelay = 2 * time.Second
)

// RecoveryTime is the time within which every service notices that Redis is up
// again: a probe after its delay, which connects, and then all connections.
const RecoveryTime = maxProbeDelay + 2*connectTimeout + MaxTimeout

// Guard keeps an outage of Redis from costing every request its timeout: after
// the first failure it sends no commands, and one goroutine probes until Redis
// is up again. The usual circuit breakers let a request pay for the probe,
// which a callback has no time for. Nor does a request pay for connecting: that
// takes several round trips, and the Guard does it before Redis counts as up. A
// Guard is safe for concurrent use.
type Guard struct {
	redis   *redis.Client
	logger  *slog.Logger
	timeout time.Duration
	// connections are open while Redis is up.
	connections int
	// free are the connections: one is for each command under way.
	free *places.Places
	// connecting counts the goroutines of the Guard that may take longer to connect.
	connecting atomic.Int32
	// probeDelay is minProbeDelay, except in tests.
	probeDelay time.Duration

	down       atomic.Bool
	lastChange atomic.Int64 // Unix ns at which down changed, 0 for never
	outages    prometheus.Counter
	refusals   prometheus.Counter
	sparse     *rate.Sometimes
	duration   prometheus.Histogram

	ctx    context.Context // ends the prober at Close
	cancel context.CancelFunc
	mu     sync.Mutex // orders the start of a prober and Close
	wg     sync.WaitGroup
}

// New returns a Guard of rdb, which comes from NewClient: its timeout bounds
// each command. It connects, for connectTimeout at most; without success this is
// the first outage. The caller closes rdb, after the Guard. ctx bounds the work
// in the background, not single commands.
func New(ctx context.Context, rdb *redis.Client, reg prometheus.Registerer, logger *slog.Logger) *Guard {
	ctx, cancel := context.WithCancel(ctx)
	g := &Guard{
		redis: rdb, logger: logger, timeout: rdb.Options().ReadTimeout, connections: 1, free: places.New(rdb.Options().PoolSize), probeDelay: minProbeDelay,
		sparse: &rate.Sometimes{First: 3, Interval: time.Minute},
		ctx:    ctx, cancel: cancel,
	}
	if g.timeout <= MaxTimeout {
		g.connections = rdb.Options().PoolSize
	}
	rdb.AddHook(dialHook{g})
	g.register(reg)
	if err := g.probe(ctx); err != nil && ctx.Err() == nil {
		g.markDown(err)
	}
	g.wg.Go(g.keep)
	return g
}

func (g *Guard) register(reg prometheus.Registerer) {
	factory := promauto.With(reg)
	g.outages = factory.NewCounter(prometheus.CounterOpts{
		Name: "aftercall_redis_outages_total",
		Help: "Outages of Redis; each is logged once.",
	})
	g.refusals = factory.NewCounter(prometheus.CounterOpts{
		Name: "aftercall_redis_refusals_total",
		Help: "Commands and connections that Redis refused because of the user, its password, its permissions or a certificate. These are no outages.",
	})
	g.duration = factory.NewHistogram(prometheus.HistogramOpts{
		Name:    "aftercall_redis_duration_seconds",
		Help:    "Duration of commands to Redis, including failed ones; none are sent during an outage.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25},
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
}

// Do runs one command, or several in one round trip, unless Redis is known to
// be down. redis.Nil is not an error. An error after ctx has ended, or because ctx
// leaves less time than the timeout, does not count as an outage, nor does it
// that all connections are in use.
func (g *Guard) Do(ctx context.Context, command func(context.Context, redis.UniversalClient) error) error {
	return g.DoRoundTrips(ctx, 1, command)
}

// DoRoundTrips is Do for commands that take up to n round trips, one after the
// other, each of which has the timeout.
func (g *Guard) DoRoundTrips(ctx context.Context, n int, command func(context.Context, redis.UniversalClient) error) error {
	if g.down.Load() {
		return ErrDown
	}
	// Waiting for it takes no time off the command's, whose timeout is about Redis.
	patience := g.timeout
	if ctx.Value(atOnce{}) != nil {
		patience = 0
	}
	connection, err := g.free.Take(ctx, patience)
	if err != nil {
		return fmt.Errorf("all connections to Redis are in use: %w", err)
	}
	defer connection.Leave()
	start := time.Now()
	deadline := start.Add(time.Duration(n) * g.timeout)
	callers, hasDeadline := ctx.Deadline()
	err = command(withDeadline(ctx, deadline), g.redis)
	g.duration.Observe(time.Since(start).Seconds())
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	hurried := hasDeadline && callers.Before(deadline) && isTimeout(err)
	switch {
	case denied(err):
		g.refused(err) // of this command: others work
	case ctx.Err() == nil && !hurried && !errors.Is(err, redis.ErrPoolTimeout):
		g.markDown(err)
	}
	return err
}

// atOnce is the key of contexts of AtOnce.
type atOnce struct{}

// AtOnce returns a context whose commands fail where they would have to wait for a
// connection: of callers that can do without, while there are too many of them.
func AtOnce(ctx context.Context) context.Context { return context.WithValue(ctx, atOnce{}, true) }

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
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
	if Refused(cause) {
		g.refused(cause)
	} else {
		g.outages.Inc()
		g.logger.Warn("Redis is down: continuing without it until it is up again", "error", cause)
	}
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
		err := g.probe(g.ctx)
		if err == nil {
			g.lastChange.Store(time.Now().UnixNano())
			g.down.Store(false)
			g.logger.Info("Redis is up again", "outage", time.Since(since).Round(time.Millisecond))
			return
		}
		if Refused(err) { // also where the first attempt found out less, or the password has changed
			g.refused(err)
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

// Ping checks that Redis accepts a write in time, also during an outage.
func (g *Guard) Ping(ctx context.Context) error {
	if g.Up() {
		return g.write(ctx, g.redis)
	}
	return g.probeOne(ctx)
}

// Now is the time by the clock of Redis.
func (g *Guard) Now(ctx context.Context) (now time.Time, err error) {
	err = g.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		now, err = rdb.Time(ctx).Result()
		return err
	})
	return now, err
}

// AwaitUp waits until Redis is up, or ctx ends.
func (g *Guard) AwaitUp(ctx context.Context) error {
	ticker := time.NewTicker(minProbeDelay)
	defer ticker.Stop()
	for !g.Up() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrDown, ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

func (g *Guard) write(ctx context.Context, rdb redis.Cmdable) error {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	return rdb.Set(ctx, probeKey, "1", time.Second).Err()
}

// probe checks that Redis accepts a write in time, and opens all connections.
// One comes first: a Redis that is down does not get many attempts to connect.
func (g *Guard) probe(ctx context.Context) error {
	if err := g.probeOne(ctx); err != nil {
		return err
	}
	return g.connect(ctx)
}

// probeOne measures the write alone, after connecting.
func (g *Guard) probeOne(ctx context.Context) error {
	g.connecting.Add(1)
	defer g.connecting.Add(-1)
	conn := g.redis.Conn()
	defer conn.Close()
	bounded, cancel := context.WithTimeout(ctx, max(connectTimeout, g.timeout))
	defer cancel()
	if err := conn.Ping(bounded).Err(); err != nil {
		return err
	}
	return g.write(ctx, conn)
}

// connect opens all connections, by using that many at once. Those that are
// open are used too, which finds the ones that the other end has closed.
func (g *Guard) connect(ctx context.Context) error {
	g.connecting.Add(1)
	defer g.connecting.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, max(connectTimeout, g.timeout))
	defer cancel()
	conns, errs := make([]*redis.Conn, g.connections), make([]error, g.connections)
	var wg sync.WaitGroup
	for i := range conns {
		conns[i] = g.redis.Conn()
		wg.Go(func() { errs[i] = conns[i].Ping(ctx).Err() })
	}
	wg.Wait()
	for _, conn := range conns {
		_ = conn.Close() // goes back to the pool
	}
	return errors.Join(errs...)
}

// keep uses idle connections from time to time, and replaces those that are gone.
func (g *Guard) keep() {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-g.ctx.Done():
			return
		case <-ticker.C:
		}
		if !g.Up() {
			continue // the prober is at work
		}
		// One after the other, because commands need connections meanwhile.
		for i := 0; i < g.connections && g.ctx.Err() == nil; i++ {
			if err := g.probeOne(g.ctx); err != nil && g.ctx.Err() == nil {
				g.markDown(err)
				break
			}
		}
	}
}

// dialHook gives a command that has to connect, because a connection was lost,
// no more than its timeout for it. Then Redis counts as down until the Guard has
// connected.
type dialHook struct{ guard *Guard }

// DialHook implements redis.Hook.
func (h dialHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if h.guard.connecting.Load() == 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, h.guard.timeout)
			defer cancel()
		}
		return next(ctx, network, address)
	}
}

// ProcessHook implements redis.Hook.
func (dialHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (dialHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Close stops the probing.
func (g *Guard) Close() {
	g.mu.Lock()
	g.cancel()
	g.mu.Unlock()
	g.wg.Wait()
}
