// Package ratelimit shares Tencent's request limit of an app among all
// processes through Redis. While Redis is down, each process keeps to a cautious
// share of the limit.
package ratelimit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

const (
	// perSecond and burst stay below tencent.MaxRequestsPerSecond: at most their
	// sum is sent within any second, and delays in the network can make more
	// arrive within one.
	perSecond = 180
	burst     = 8
	// localPerSecond is the share of a process while Redis is down. Eight
	// processes share the limit.
	localPerSecond = (perSecond + burst) / 8
	// switchDelay separates shared tokens from local ones, so that no second
	// sees both.
	switchDelay = time.Second
	// minPause and maxPause bound how long no requests are sent after Tencent
	// has reported too many.
	minPause = time.Second
	maxPause = 5 * time.Minute
	// maxWait is the longest wait of a request, even if its caller has more
	// time. minRetryDelay is the shortest delay that its caller gets then.
	maxWait       = 20 * time.Second
	minRetryDelay = time.Second
	// spareTime is how long tokens are good that were taken together: the requests
	// that they were taken for are waiting.
	spareTime = 10 * time.Millisecond
	// roundTrips are those of one turn at Redis: a second one when Redis does not
	// know the script yet.
	roundTrips = 2
)

// Limiter limits the rate of requests by app. It implements tencent.Limiter and
// is safe for concurrent use.
type Limiter struct {
	guard  *redisguard.Guard
	queues sync.Map // of tencent.SDKAppID to *queue

	waits  prometheus.Histogram
	busy   prometheus.Counter
	pauses prometheus.Counter
}

// queue is that of the waiting requests of an app. Only the first asks Redis,
// so that thousands cost Redis as little as one. It takes tokens for those behind
// it too, so that a Redis that is far away does not slow them down.
type queue struct {
	first   chan struct{} // full while a request is the first
	waiting atomic.Int32  // requests, including the first
	local   *rate.Limiter

	// spare tokens are good until spareUntil. They belong to the first request.
	spare      int
	spareUntil time.Time

	mu          sync.Mutex
	pausedUntil time.Time
}

// New returns a Limiter on the Redis of guard.
func New(guard *redisguard.Guard, reg prometheus.Registerer) *Limiter {
	factory := promauto.With(reg)
	return &Limiter{
		guard: guard,
		waits: factory.NewHistogram(prometheus.HistogramOpts{
			Name:    "aftercall_record_api_wait_seconds",
			Help:    "How long requests to Tencent's REST API waited for the app's request limit.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 20},
		}),
		busy: factory.NewCounter(prometheus.CounterOpts{
			Name: "aftercall_record_api_busy_total",
			Help: "Requests to Tencent's REST API that were deferred because the app's request limit was used up.",
		}),
		pauses: factory.NewCounter(prometheus.CounterOpts{
			Name: "aftercall_record_api_pauses_total",
			Help: "Times that Tencent's REST API reported too many requests, after which none are sent for a while.",
		}),
	}
}

func (l *Limiter) queue(app tencent.SDKAppID) *queue {
	if found, ok := l.queues.Load(app); ok {
		return found.(*queue)
	}
	found, _ := l.queues.LoadOrStore(app, &queue{first: make(chan struct{}, 1), local: rate.NewLimiter(localPerSecond, 1)})
	return found.(*queue)
}

// Wait returns when a request of app may be made. It waits for at most half of
// the time until the deadline of ctx, to leave the other half to the request,
// and returns a *tencent.BusyError if that is not enough.
func (l *Limiter) Wait(ctx context.Context, app tencent.SDKAppID) error {
	start := time.Now()
	timeout := maxWait
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/2)
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	delay, err := l.wait(bounded, l.queue(app), app)
	l.waits.Observe(time.Since(start).Seconds())
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	l.busy.Inc()
	return &tencent.BusyError{RetryAfter: max(delay, minRetryDelay)}
}

var errTooLate = errors.New("the next token comes after the deadline")

// wait waits for a token. With an error, delay is how long it would have waited
// at least, 0 if that is not known.
func (l *Limiter) wait(ctx context.Context, q *queue, app tencent.SDKAppID) (delay time.Duration, err error) {
	q.waiting.Add(1)
	defer q.waiting.Add(-1)
	select {
	case q.first <- struct{}{}:
		defer func() { <-q.first }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for {
		if delay, err = l.take(ctx, q, app); err != nil || delay <= 0 {
			return 0, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < delay {
			return delay, errTooLate
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return delay, ctx.Err()
		}
	}
}

// take takes a token, or returns the delay after which to try again. The only
// error is the end of ctx.
func (l *Limiter) take(ctx context.Context, q *queue, app tencent.SDKAppID) (delay time.Duration, err error) {
	if pause := q.remainingPause(); pause > 0 {
		return pause, nil
	}
	if q.spare > 0 && time.Now().Before(q.spareUntil) {
		q.spare--
		return 0, nil
	}
	changed := l.guard.LastChange()
	if l.guard.Up() && (changed.IsZero() || time.Since(changed) > redisguard.RecoveryTime+switchDelay) {
		delay, err := l.takeShared(ctx, q, app)
		if err == nil {
			return delay, nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		changed = l.guard.LastChange()
	}
	// Redis is down, or up again for so short that other processes may not know it.
	if delay := switchDelay - time.Since(changed); delay > 0 {
		return delay, nil
	}
	return q.takeLocal(), nil
}

// takeShared takes a token from Redis, unless the app is paused there, and spare
// ones for the requests that wait.
func (l *Limiter) takeShared(ctx context.Context, q *queue, app tencent.SDKAppID) (delay time.Duration, err error) {
	err = l.guard.DoRoundTrips(ctx, roundTrips, func(ctx context.Context, rdb redis.UniversalClient) error {
		asked := withPause{UniversalClient: rdb, key: pauseKey(app)}
		n := min(max(int(q.waiting.Load()), 1), burst)
		result, err := redis_rate.NewLimiter(&asked).AllowAtMost(ctx, app.String(), redis_rate.Limit{
			Rate: perSecond, Burst: burst, Period: time.Second,
		}, n)
		switch {
		case err != nil:
			return err
		case asked.pause > 0:
			delay = asked.pause
		case result.Allowed == 0:
			delay = max(result.RetryAfter, time.Millisecond)
		default:
			q.spare, q.spareUntil = result.Allowed-1, time.Now().Add(spareTime)
		}
		return nil
	})
	return delay, err
}

// withPause reads the remaining pause of an app in the same round trip as the
// limiter's script. Its tokens are lost if there is a pause.
type withPause struct {
	redis.UniversalClient
	key   string
	pause time.Duration
}

// EvalSha implements redis.Scripter.
func (w *withPause) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return w.both(ctx, func(pipe redis.Pipeliner) *redis.Cmd { return pipe.EvalSha(ctx, sha, underPrefix(keys), args...) })
}

// Eval implements redis.Scripter.
func (w *withPause) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return w.both(ctx, func(pipe redis.Pipeliner) *redis.Cmd { return pipe.Eval(ctx, script, underPrefix(keys), args...) })
}

func (w *withPause) both(ctx context.Context, eval func(redis.Pipeliner) *redis.Cmd) *redis.Cmd {
	pipe := w.Pipeline()
	pause, result := pipe.PTTL(ctx, w.key), eval(pipe)
	if _, err := pipe.Exec(ctx); err != nil && result.Err() == nil {
		result.SetErr(err)
	}
	w.pause = pause.Val()
	return result
}

func pauseKey(app tencent.SDKAppID) string {
	return redisguard.KeyPrefix + "rate-pause:" + app.String()
}

// Pause stops the requests of app in this process and, through Redis, in the
// others. retryAfter is the delay that Tencent asked for, 0 if it named none.
func (l *Limiter) Pause(ctx context.Context, app tencent.SDKAppID, retryAfter time.Duration) {
	l.pauses.Inc()
	pause := min(max(retryAfter, minPause), maxPause)
	l.queue(app).pause(pause)
	// If Redis is down, the other processes learn it from Tencent.
	_ = l.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Set(ctx, pauseKey(app), 1, pause).Err()
	})
}

func (q *queue) pause(duration time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := time.Now().Add(duration); until.After(q.pausedUntil) {
		q.pausedUntil = until
	}
}

func (q *queue) remainingPause() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Until(q.pausedUntil)
}

func (q *queue) takeLocal() (delay time.Duration) {
	reservation := q.local.Reserve()
	if delay = reservation.Delay(); delay > 0 {
		reservation.Cancel() // the caller tries again after the delay
	}
	return delay
}
