package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/circuit"
	"aftercall/internal/notify"
)

// Receiver is an HTTP endpoint or mail server that requests are made to: a
// target, or an app's own backend.
type Receiver struct {
	// Name is unique among all receivers.
	Name string
	// RetryWindow is how long a delivery is retried.
	RetryWindow time.Duration
	// AlwaysSlow is a receiver that is not expected to answer within a second or
	// two, such as a mail server.
	AlwaysSlow bool
	Circuit    Circuit
}

// Circuit makes a request, or holds it; *circuit.Breaker implements it.
type Circuit interface {
	Do(ctx context.Context, request func(context.Context) error, judge func(error) circuit.Verdict) error
	// Slow reports whether requests have taken long recently.
	Slow() bool
}

// tryDeliver makes one attempt, unless the receiver's circuit breaker holds it.
// Its error is ready for Temporal: retryable with a delay, or final.
//
// A local activity occupies its workflow task, of which a worker has a limited
// number. So it makes no request to a slow receiver: the error TargetSlow asks the
// workflow to run the activity as a regular one.
func (a *Activities) tryDeliver(ctx context.Context, to Receiver, since time.Time, send func(context.Context) error) error {
	if isLocalActivity(ctx) && (to.AlwaysSlow || to.Circuit.Slow()) {
		return temporal.NewApplicationErrorWithOptions(to.Name+" is slow: the request is left to a regular activity", TargetSlow,
			temporal.ApplicationErrorOptions{Category: temporal.ApplicationErrorCategoryBenign})
	}
	err := to.Circuit.Do(ctx, func(ctx context.Context) error {
		err := send(ctx)
		classified := defaultType(classify(err), TargetUnavailable)
		a.metrics.countAttempt(to.Name, classified)
		a.operators.observe(ctx, a.now(), to.Name, classified, err)
		return err
	}, judge)
	return a.withRetryDelay(ctx, to.Name, to.RetryWindow, since, defaultType(classify(err), TargetUnavailable))
}

// judge is the verdict on a receiver after the error of a request. An answer that
// may be due to one event shows that the receiver works.
func judge(err error) circuit.Verdict {
	failure, _ := notify.FailureOf(err)
	verdict := circuit.Verdict{Failed: !failure.OneEvent}
	if failure.Class == notify.NeedsOperator {
		verdict.Problem = err.Error()
	}
	return verdict
}

// notConfigured is tryDeliver for a receiver that this worker's configuration lacks.
func (a *Activities) notConfigured(ctx context.Context, name string, since time.Time, err error) error {
	a.operators.observe(ctx, a.now(), name, err, err)
	return a.withRetryDelay(ctx, name, defaultRetryWindow, since, err)
}

// withRetryDelay gives the error of an attempt its retry delay, or makes it
// final when the retry window is over.
func (a *Activities) withRetryDelay(ctx context.Context, receiver string, window time.Duration, since time.Time, err error) error {
	var failed *temporal.ApplicationError
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.NonRetryable():
		a.metrics.undelivered.WithLabelValues(receiver, "refused").Inc()
		return err
	case a.now().Sub(since) >= window:
		a.metrics.undelivered.WithLabelValues(receiver, "horizon").Inc()
		return permanent(Undelivered, fmt.Errorf("not accepted within %s: %s", window, failed.Message()))
	}
	return temporal.NewApplicationErrorWithOptions(failed.Message(), failed.Type(), temporal.ApplicationErrorOptions{
		Category: failed.Category(), NextRetryDelay: retryDelay(attemptNumber(ctx)+1, failed.NextRetryDelay()),
	})
}
