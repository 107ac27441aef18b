// Package ratelimit shares Tencent's request limit of an app among all
// processes through Redis, and falls back on a cautious share of each
// process's own while Redis is down.
package ratelimit

import (
	"context"
	"errors"
	"sync"
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
	// perSecond and burst leave room below tencent.MaxRequestsPerSecond: any
	// second sees at most their sum, and requests that the network delays
	// bunch up at the far end.
	perSecond = 180
	burst     = 8
	// localPerSecond is a process's own while Redis is down: right for eight processes.
	localPerSecond = (perSecond + burst) / 8
	// settle lets the second pass in which shared tokens were still handed out.
	settle = time.Second
	// throttlePause is how long an app is left alone when Tencent complains
	// without saying for how long. maxPause is the longest that it may say.
	throttlePause = time.Second
	maxPause      = 5 * time.Minute
	// maxWait is how long one request stands in line at the most, even if its
	// caller has more time; busyPause is after which it may come again.
	maxWait   = 20 * time.Second
	busyPause = time.Second
)

// Limiter hands out an app's requests. It implements tencent.Limiter and is
// safe for concurrent use.
type Limiter struct {
	guard *redisguard.Guard
	lines sync.Map // of tencent.SDKAppID to *line

	waits   prometheus.Histogram
	refused prometheus.Counter
	pauses  prometheus.Counter
}

// line lets one request of an app ask Redis at a time, so that a backlog of
// thousands costs Redis as little as one.
type line struct {
	turn  chan struct{}
	local *rate.Limiter

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
		refused: factory.NewCounter(prometheus.CounterOpts{
			Name: "aftercall_record_api_busy_total",
			Help: "Requests to Tencent's REST API that were put off because the app's request limit was taken.",
		}),
		pauses: factory.NewCounter(prometheus.CounterOpts{
			Name: "aftercall_record_api_pauses_total",
			Help: "Times that Tencent's REST API complained of too many requests, and all were held back.",
		}),
	}
}

func (l *Limiter) line(app tencent.SDKAppID) *line {
	if found, ok := l.lines.Load(app); ok {
		return found.(*line)
	}
	found, _ := l.lines.LoadOrStore(app, &line{turn: make(chan struct{}, 1), local: rate.NewLimiter(localPerSecond, 1)})
	return found.(*line)
}

// Wait returns when a request of app may be made. It takes no more than half
// of the time that ctx leaves, so that the other half is for the request, and
// returns a *tencent.BusyError when that does not suffice.
func (l *Limiter) Wait(ctx context.Context, app tencent.SDKAppID) error {
	start := time.Now()
	patience := maxWait
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/2)
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pause, err := l.wait(bounded, l.line(app), app)
	l.waits.Observe(time.Since(start).Seconds())
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	l.refused.Inc()
	return &tencent.BusyError{RetryAfter: max(pause, busyPause)}
}

var errTooLate = errors.New("too late")

// wait stands in line for a token. With an error, pause is the last that was
// heard of how long it would have taken.
func (l *Limiter) wait(ctx context.Context, line *line, app tencent.SDKAppID) (pause time.Duration, err error) {
	select {
	case line.turn <- struct{}{}:
		defer func() { <-line.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for {
		if pause, err = l.take(ctx, line, app); err != nil || pause <= 0 {
			return 0, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause {
			return pause, errTooLate
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return pause, ctx.Err()
		}
	}
}

// take takes a token, or says after how long to ask again. The only error is
// the end of ctx.
func (l *Limiter) take(ctx context.Context, line *line, app tencent.SDKAppID) (time.Duration, error) {
	if pause := line.pause(); pause > 0 {
		return pause, nil
	}
	changed := l.guard.LastChange()
	if l.guard.Up() && (changed.IsZero() || time.Since(changed) > redisguard.RecoveryTime+settle) {
		pause, err := l.takeShared(ctx, app)
		if err == nil {
			return pause, nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		changed = l.guard.LastChange()
	}
	// Redis is down, or so short a time back that others may not know it yet.
	if pause := settle - time.Since(changed); pause > 0 {
		return pause, nil
	}
	return line.takeLocal(), nil
}

// takeShared asks Redis, first for a pause and then for a token.
func (l *Limiter) takeShared(ctx context.Context, app tencent.SDKAppID) (pause time.Duration, err error) {
	err = l.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		held, err := rdb.PTTL(ctx, pauseKey(app)).Result()
		if err != nil {
			return err
		}
		if held > 0 {
			pause = held
			return nil
		}
		result, err := redis_rate.NewLimiter(rdb).Allow(ctx, "aftercall:"+app.String(), redis_rate.Limit{
			Rate: perSecond, Burst: burst, Period: time.Second,
		})
		if err != nil {
			return err
		}
		if result.Allowed == 0 {
			pause = max(result.RetryAfter, time.Millisecond)
		}
		return nil
	})
	return pause, err
}

func pauseKey(app tencent.SDKAppID) string { return "aftercall:rate-pause:" + app.String() }

// Pause holds back all requests of app, of every process that can be told.
func (l *Limiter) Pause(ctx context.Context, app tencent.SDKAppID, told time.Duration) {
	l.pauses.Inc()
	pause := min(max(told, throttlePause), maxPause)
	l.line(app).hold(pause)
	// When Redis cannot say so, the others find out from Tencent themselves.
	_ = l.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Set(ctx, pauseKey(app), 1, pause).Err()
	})
}

func (l *line) hold(pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(pause); until.After(l.pausedUntil) {
		l.pausedUntil = until
	}
}

func (l *line) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.pausedUntil)
}

func (l *line) takeLocal() time.Duration {
	reservation := l.local.Reserve()
	pause := reservation.Delay()
	if pause > 0 {
		reservation.Cancel() // asked for again after the pause
	}
	return pause
}
