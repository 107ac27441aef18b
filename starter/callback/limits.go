package callback

import (
	"context"
	"errors"
	"time"

	"aftercall/internal/tencent"
)

// Limits bound what a callback may take.
type Limits struct {
	// Answer bounds the whole answer, from the arrival of the request's head. What
	// reading the body leaves of it is for starting the workflow. 0 is
	// DefaultAnswerTimeout.
	Answer time.Duration
	// Calls and Relays bound how many workflows the callbacks of an app start. They
	// are far above the rate of real calls: whoever knows the callback URL must not be
	// able to fill Temporal and the list of reviews. A limit that is nil permits all.
	Calls  Limit
	Relays Limit
	// Events bounds how many requests with evidence of an app are kept.
	Events Limit
}

// Limit says whether an app may start one more workflow now. Callbacks that are
// known to be duplicates do not ask.
type Limit interface {
	Take(ctx context.Context, app tencent.SDKAppID) bool
}

// How many starts of an app wait for Temporal at once: minStarts, and up to maxStarts
// while they are quick. If all callbacks of a burst asked it together, it would answer none
// in time. Each app has its own, so that one does not wait behind the burst of another.
const (
	minStarts  = 16
	maxStarts  = 64
	quickStart = 250 * time.Millisecond
)

// patience is how long a start may wait for its place: half of the time that is left. The
// other half is for the start itself, and for others that take the processors.
func patience(deadline time.Time) time.Duration { return time.Until(deadline) / 2 }

var errThrottled = errors.New("over the limit of callbacks that start a workflow")

func allowed(ctx context.Context, limit Limit, app tencent.SDKAppID) bool {
	return limit == nil || limit.Take(ctx, app)
}
