// Package circuit keeps a receiver that fails, or takes long, from harming the
// others: what keeps failing is paused, and nobody has more requests under way
// than its share.
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
	// FailuresToPause is how many requests in a row must fail before a receiver
	// is paused.
	FailuresToPause = 5
	// patience is how long a request waits for one of the receiver's slots,
	// busyPause after which it may come again if there was none.
	patience  = 250 * time.Millisecond
	busyPause = time.Second
)

// HeldError says that a request was not made, and may be made later.
type HeldError struct {
	Reason string
	// For is how long to wait at least.
	For time.Duration
}

// Error gives the reason.
func (e *HeldError) Error() string { return e.Reason }

// Circuits are those of one process. Each process finds out by itself who
// fails: that costs no round trip, and works without Redis, which is only told
// so that people can see it.
type Circuits struct {
	guard   *redisguard.Guard
	process string
	logger  *slog.Logger
	paused  *prometheus.GaugeVec
	held    *prometheus.CounterVec
}

// New returns the Circuits of this process. They tell the Redis of guard.
func New(guard *redisguard.Guard, reg prometheus.Registerer, logger *slog.Logger) *Circuits {
	factory := promauto.With(reg)
	return &Circuits{
		guard: guard, process: uuid.NewString(), logger: logger,
		paused: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_target_paused",
			Help: "1 while this process sends a target nothing but now and then a test, because it kept failing.",
		}, []string{"target"}),
		held: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_deliveries_held_total",
			Help: "Delivery attempts that were put off without a request, by target and reason: paused, busy.",
		}, []string{"target", "reason"}),
	}
}

// Circuit is that of one receiver. It is safe for concurrent use.
type Circuit struct {
	all     *Circuits
	target  string
	pause   time.Duration
	slots   chan struct{}
	breaker *gobreaker.CircuitBreaker[struct{}]

	pausedUntil atomic.Int64 // Unix ns, 0 while it is not paused
	told        atomic.Int64 // the pausedUntil that Redis was told last
}

// For returns a new Circuit of target, which it pauses for so long, and grants
// so many requests at once.
func (c *Circuits) For(target string, pause time.Duration, slots int) *Circuit {
	circuit := &Circuit{all: c, target: target, pause: pause, slots: make(chan struct{}, slots)}
	circuit.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:       pause,
		ReadyToTrip:   func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= FailuresToPause },
		IsSuccessful:  func(err error) bool { return !errors.As(err, new(failedError)) },
		IsExcluded:    func(err error) bool { return errors.As(err, new(excludedError)) },
		OnStateChange: circuit.changed,
	})
	c.paused.WithLabelValues(target).Set(0)
	return circuit
}

// failedError and excludedError tell the breaker what to make of an error.
type (
	failedError   struct{ error }
	excludedError struct{ error }
)

// Do makes a request, unless the receiver is paused or has too many under way;
// then the error is a *HeldError. failed says which errors speak against the
// receiver. An attempt that its caller broke off, as a short first try does,
// speaks neither for nor against it.
func (c *Circuit) Do(ctx context.Context, request func(context.Context) error, failed func(error) bool) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer func() { <-c.slots }()
	var result error
	_, err := c.breaker.Execute(func() (struct{}, error) {
		result = request(ctx)
		switch {
		case result == nil:
			return struct{}{}, nil
		case ctx.Err() != nil:
			return struct{}{}, excludedError{result}
		case failed(result):
			return struct{}{}, failedError{result}
		}
		return struct{}{}, nil
	})
	c.tell(ctx)
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		c.all.held.WithLabelValues(c.target, "paused").Inc()
		return &HeldError{
			Reason: fmt.Sprintf("%s is paused: %d requests in a row have failed", c.target, FailuresToPause),
			For:    max(time.Until(time.Unix(0, c.pausedUntil.Load())), busyPause),
		}
	}
	return result
}

// take takes one of the receiver's slots.
func (c *Circuit) take(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		c.all.held.WithLabelValues(c.target, "busy").Inc()
		return &HeldError{Reason: fmt.Sprintf("%s has %d requests under way", c.target, cap(c.slots)), For: busyPause}
	}
}

// changed hears of the breaker's states. It must not take long.
func (c *Circuit) changed(_ string, from, to gobreaker.State) {
	switch to {
	case gobreaker.StateOpen:
		c.pausedUntil.Store(time.Now().Add(c.pause).UnixNano())
		c.all.paused.WithLabelValues(c.target).Set(1)
		if from == gobreaker.StateClosed {
			c.all.logger.Warn("a target is paused: it keeps failing", "target", c.target, "failures", FailuresToPause, "pause", c.pause)
		}
	case gobreaker.StateClosed:
		c.pausedUntil.Store(0)
		c.all.paused.WithLabelValues(c.target).Set(0)
		c.all.logger.Info("a target is no longer paused: it answers again", "target", c.target)
	case gobreaker.StateHalfOpen: // one request is under way that will tell
	}
}
