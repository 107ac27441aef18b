package activities

import (
	"context"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// When a failed attempt is retried. Which errors are retried at all is in
// errors.go, and docs/retries.md is the summary of both.

// The policies by which the server retries. None of a call's steps has a limit
// of attempts: a call that waits can still be charged, one that was dropped
// cannot. An error overrides its policy with NextRetryDelay, or ends the
// retries by being non-retryable.
var (
	// RecordRetries: every 2 s at first, then less often. A record that never
	// appears ends with FetchRecordParams.NotFoundTimeout; everything else waits.
	RecordRetries = &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 1.3, MaximumInterval: time.Minute}

	// ChargeRetries: the ledger is part of this system, so it is tried often.
	ChargeRetries = &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}

	// LookupRetries: only the app can be missing from the configuration.
	LookupRetries = &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute}

	// DeliveryRetries apply only to attempts that ended without an answer of the
	// worker, such as a timeout: every error of Notify and RelayCallback has a
	// delay of its own, see withRetryDelay.
	DeliveryRetries = &temporal.RetryPolicy{InitialInterval: minRetryDelay, BackoffCoefficient: 2, MaximumInterval: maxRetryDelay}

	// PlanRetries and WindowRetries are those of a sweep.
	PlanRetries   = &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
	WindowRetries = &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
)

// The delays that errors ask for. All are randomized by jitter.
const (
	// operatorDelay is between attempts that fail until a person changes
	// something: short enough that the waiting calls go on soon afterwards.
	operatorDelay = 2 * time.Minute
	// throttleDelay is the shortest delay after Tencent's "too frequent".
	throttleDelay = 5 * time.Second
)

// The delays between the attempts of a delivery, and how long it is retried.
const (
	// minRetryDelay is before the second attempt. It doubles up to maxRetryDelay.
	minRetryDelay = 2 * time.Second
	maxRetryDelay = 10 * time.Minute
	// defaultRetryWindow is that of a target that the configuration lacks.
	defaultRetryWindow = 72 * time.Hour
)

// jitter spreads attempts that wait for the same thing, between d and twice d.
func jitter(d time.Duration) time.Duration { return d + random(d) }

// random is a duration below d, chosen by the nanoseconds of the clock, so that a
// simulation with a clock of its own repeats itself exactly.
func random(d time.Duration) time.Duration {
	return time.Duration(rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)).Int64N(int64(d)))
}

// retryDelay is the delay before an attempt, at least what the receiver asked
// for (0 for nothing). It is random, between half and one and a half times the
// doubling delay, so that events that failed together are not sent again
// together.
func retryDelay(attempt int, asked time.Duration) time.Duration {
	delay := maxRetryDelay
	if doublings := attempt - 2; doublings < 10 {
		delay = min(minRetryDelay<<doublings, maxRetryDelay)
	}
	delay = delay/2 + random(delay)
	if asked > 0 {
		asked += random(min(asked, time.Minute))
	}
	return max(delay, asked)
}

// isLocalActivity reports whether ctx is that of a local activity.
func isLocalActivity(ctx context.Context) bool {
	return activity.IsActivity(ctx) && activity.GetInfo(ctx).IsLocalActivity
}

// attemptNumber counts the attempts of a step from 1. The local activity is the
// first, so a regular activity begins with 2.
func attemptNumber(ctx context.Context) int {
	if !activity.IsActivity(ctx) {
		return 1
	}
	info := activity.GetInfo(ctx)
	if info.IsLocalActivity {
		return int(info.Attempt)
	}
	return int(info.Attempt) + 1
}
