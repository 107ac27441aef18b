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
}

// Limit says whether an app may start one more workflow now. Callbacks that are
// known to be duplicates do not ask.
type Limit interface {
	Take(ctx context.Context, app tencent.SDKAppID) bool
}

// maxStarts is how many starts of an app wait for Temporal at once, many more than it
// needs to be busy. If all callbacks of a burst asked it together, it would answer none
// in time. Each app has its own, so that one does not wait behind the burst of another.
const maxStarts = 64

// starting has an element for each start that waits for Temporal.
type starting chan struct{}

// errBusy is returned for a start that would have come too late.
var errBusy = errors.New("too many workflows are being started at once")

// begin waits for a place, for half of the time that ctx leaves: the other half is for
// the start itself. end lets the next one begin.
func (s starting) begin(ctx context.Context) (end func(), err error) {
	end = func() { <-s }
	select {
	case s <- struct{}{}:
		return end, nil
	default:
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	select {
	case s <- struct{}{}:
		return end, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

var errThrottled = errors.New("over the limit of callbacks that start a workflow")

func allowed(ctx context.Context, limit Limit, app tencent.SDKAppID) bool {
	return limit == nil || limit.Take(ctx, app)
}
