// Package circuit has a circuit breaker for each receiver of requests: one that
// keeps failing is sent nothing for a while, and no receiver has more requests
// under way than its share, so that none slows down the others.
package circuit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sony/gobreaker/v2"

	"aftercall/internal/redisguard"
)

const (
	// FailuresToOpen is how many requests in a row must fail before a breaker opens.
	FailuresToOpen = 5
	// slotTimeout is how long a request waits for one of the receiver's slots.
	slotTimeout = 250 * time.Millisecond
	// minHold is the shortest time for which a request is held.
	minHold = time.Second
	// slowAfter is how long a request may take before its receiver counts as slow.
	slowAfter = 2 * time.Second
	// slowFor is how long a receiver counts as slow after a slow request.
	slowFor = time.Minute
)

// HeldError means that a request was not made, and may be made later.
type HeldError struct {
	Reason string
	// For is how long to wait at least.
	For time.Duration
}

// Error gives the reason.
func (e *HeldError) Error() string { return e.Reason }

// Breakers are the circuit breakers of one process. Each process decides by
// itself: that costs no round trip and works without Redis. Redis gets the state,
// so that people can see it.
type Breakers struct {
	guard   *redisguard.Guard
	process string
	now     func() time.Time
	logger  *slog.Logger
	open    *prometheus.GaugeVec
	held    *prometheus.CounterVec
}

// New returns the Breakers of this process. They publish their state to the
// Redis of guard, with the time of now.
func New(guard *redisguard.Guard, now func() time.Time, reg prometheus.Registerer, logger *slog.Logger) *Breakers {
	factory := promauto.With(reg)
	return &Breakers{
		guard: guard, process: uuid.NewString(), now: now, logger: logger,
		open: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_target_paused",
			Help: "1 while this process's circuit breaker for a target is open or half-open: deliveries are held, except for one test after each cooldown.",
		}, []string{"target"}),
		held: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_deliveries_held_total",
			Help: "Delivery attempts held without a request, by target and reason: paused (circuit breaker open), busy (too many requests under way).",
		}, []string{"target", "reason"}),
	}
}

// Breaker is the circuit breaker of one receiver. It is safe for concurrent use.
type Breaker struct {
	all      *Breakers
	target   string
	cooldown time.Duration
	slots    chan struct{}
	breaker  *gobreaker.CircuitBreaker[struct{}]

	openUntil atomic.Int64 // Unix ns, 0 while closed
	published atomic.Int64 // the openUntil that Redis has
	slowUntil atomic.Int64 // Unix ns
	problem   problemState
}

// For returns a new Breaker for target. When it opens it stays open for cooldown;
// it allows as many requests at once as there are slots.
func (b *Breakers) For(target string, cooldown time.Duration, slots int) *Breaker {
	breaker := &Breaker{all: b, target: target, cooldown: cooldown, slots: make(chan struct{}, slots)}
	breaker.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:       cooldown,
		ReadyToTrip:   func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= FailuresToOpen },
		IsSuccessful:  func(err error) bool { return !errors.As(err, new(failedError)) },
		IsExcluded:    func(err error) bool { return errors.As(err, new(excludedError)) },
		OnStateChange: breaker.stateChanged,
	})
	b.open.WithLabelValues(target).Set(0)
	return breaker
}

// failedError and excludedError tell the breaker how to count an error.
type (
	failedError   struct{ error }
	excludedError struct{ error }
)

// Verdict is what the error of a request says about its receiver. The zero value
// is that of a receiver that works.
type Verdict struct {
	// Failed counts against the breaker.
	Failed bool
	// Problem is what an operator must correct, empty if the error has another
	// cause. It is shown to operators, so it holds no secret.
	Problem string
}

// Do makes a request unless the breaker is open or too many are under way; then
// the error is a *HeldError. judge judges an error of the request. An attempt
// that its caller cancelled, as at shutdown, does not count.
func (b *Breaker) Do(ctx context.Context, request func(context.Context) error, judge func(error) Verdict) error {
	if err := b.acquireSlot(ctx); err != nil {
		return err
	}
	defer func() { <-b.slots }()
	var (
		result  error
		verdict Verdict
	)
	_, err := b.breaker.Execute(func() (struct{}, error) {
		defer b.watch()()
		result = request(ctx)
		switch {
		case result == nil:
			return struct{}{}, nil
		case ctx.Err() != nil:
			return struct{}{}, excludedError{result}
		}
		if verdict = judge(result); verdict.Failed {
			return struct{}{}, failedError{result}
		}
		return struct{}{}, nil
	})
	b.publish(ctx)
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		b.all.held.WithLabelValues(b.target, "paused").Inc()
		return &HeldError{
			Reason: fmt.Sprintf("circuit breaker of %s is open: %d requests in a row have failed", b.target, FailuresToOpen),
			For:    max(time.Unix(0, b.openUntil.Load()).Sub(b.all.now()), minHold),
		}
	}
	b.publishProblem(ctx, result == nil, verdict.Problem)
	return result
}

// acquireSlot takes one of the receiver's slots, for which it waits slotTimeout.
func (b *Breaker) acquireSlot(ctx context.Context) error {
	select {
	case b.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(slotTimeout)
	defer timer.Stop()
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		b.all.held.WithLabelValues(b.target, "busy").Inc()
		return &HeldError{Reason: fmt.Sprintf("%s has %d requests under way", b.target, cap(b.slots)), For: minHold}
	}
}

// watch observes how long a request takes, from now until the function that it
// returns is called. The receiver counts as slow while the request is still under
// way, so that other requests need not find out for themselves.
func (b *Breaker) watch() (done func()) {
	timer := time.AfterFunc(slowAfter, b.markSlow)
	return func() {
		if !timer.Stop() {
			b.markSlow()
		}
	}
}

func (b *Breaker) markSlow() { b.slowUntil.Store(b.all.now().Add(slowFor).UnixNano()) }

// Slow reports whether a request to the receiver has taken longer than two
// seconds within the last minute, in this process.
func (b *Breaker) Slow() bool { return b.all.now().UnixNano() < b.slowUntil.Load() }

// stateChanged is called by the breaker, under its lock. It must not take long.
func (b *Breaker) stateChanged(_ string, from, to gobreaker.State) {
	switch to {
	case gobreaker.StateOpen:
		b.openUntil.Store(b.all.now().Add(b.cooldown).UnixNano())
		b.all.open.WithLabelValues(b.target).Set(1)
		if from == gobreaker.StateClosed {
			b.all.logger.Warn("circuit breaker open: the target keeps failing", "target", b.target, "failures", FailuresToOpen, "cooldown", b.cooldown)
		}
	case gobreaker.StateClosed:
		b.openUntil.Store(0)
		b.all.open.WithLabelValues(b.target).Set(0)
		b.all.logger.Info("circuit breaker closed: the target responds again", "target", b.target)
	case gobreaker.StateHalfOpen: // one request is under way, whose result decides
	}
}
