package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// Receiver is somebody outside to whom requests are made.
type Receiver struct {
	// Name is unique among all receivers.
	Name string
	// Horizon is how long something is offered to it.
	Horizon time.Duration
	Circuit Circuit
}

// Circuit lets a request through or holds it up; *circuit.Circuit does.
type Circuit interface {
	Do(ctx context.Context, request func(context.Context) error, failed func(error) bool) error
}

const (
	// defaultHorizon is that of a target which the configuration does not name.
	defaultHorizon = 72 * time.Hour
	// firstPause is after the first failed attempt. It doubles up to maxPause.
	firstPause = 2 * time.Second
	maxPause   = 10 * time.Minute
)

// offer makes one attempt, unless the receiver's circuit holds it up, and says
// how to go on: when to try again, or that it is over.
func (a *Activities) offer(ctx context.Context, to Receiver, since time.Time, send func(context.Context) error) error {
	err := to.Circuit.Do(ctx, func(ctx context.Context) error {
		err := orElse(classify(send(ctx)), TargetUnavailable)
		a.metrics.delivered(to.Name, err)
		return err
	}, retryable)
	return a.pace(ctx, to.Name, to.Horizon, since, orElse(classify(err), TargetUnavailable))
}

// missing is offer to a receiver that is not configured on this worker.
func (a *Activities) missing(ctx context.Context, name string, since time.Time, err error) error {
	return a.pace(ctx, name, defaultHorizon, since, err)
}

// pace gives a failed attempt its pause, or ends the attempts at the horizon.
func (a *Activities) pace(ctx context.Context, name string, horizon time.Duration, since time.Time, err error) error {
	var failed *temporal.ApplicationError
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.NonRetryable():
		a.metrics.undelivered.WithLabelValues(name, "refused").Inc()
		return err
	case a.now().Sub(since) >= horizon:
		a.metrics.undelivered.WithLabelValues(name, "horizon").Inc()
		return final(Undelivered, fmt.Errorf("not taken within %s: %s", horizon, failed.Message()))
	}
	return temporal.NewApplicationErrorWithOptions(failed.Message(), failed.Type(), temporal.ApplicationErrorOptions{
		Category: failed.Category(), NextRetryDelay: pauseBefore(attempt(ctx)+1, failed.NextRetryDelay()),
	})
}

// attempt counts from 1. The short first try of a step is one of its own.
func attempt(ctx context.Context) int {
	if !activity.IsActivity(ctx) {
		return 1
	}
	info := activity.GetInfo(ctx)
	if info.IsLocalActivity {
		return int(info.Attempt)
	}
	return int(info.Attempt) + 1
}

// pauseBefore is how long to wait before an attempt, at least as long as was
// asked for. It is random, so that events that failed together do not come
// again together.
func pauseBefore(attempt int, asked time.Duration) time.Duration {
	pause := maxPause
	if doublings := attempt - 2; doublings < 10 {
		pause = min(firstPause<<doublings, maxPause)
	}
	pause = pause/2 + rand.N(pause)
	if asked > 0 {
		asked += rand.N(min(asked, time.Minute))
	}
	return max(pause, asked)
}
