package callback

import (
	"context"
	"errors"
	"sync/atomic"
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

// maxStarts is how many starts of an app wait for Temporal at once, many more than it
// needs to be busy. If all callbacks of a burst asked it together, it would answer none
// in time. Each app has its own, so that one does not wait behind the burst of another.
const maxStarts = 64

// starting are the starts of an app that wait for Temporal. It is safe for concurrent use.
type starting struct {
	places  chan struct{} // one for each of them
	waiting atomic.Int64  // for a place
	took    atomic.Int64  // by a start of late, in nanoseconds
}

func newStarting() *starting { return &starting{places: make(chan struct{}, maxStarts)} }

// errBusy is returned for a start that would have come too late.
var errBusy = errors.New("too many workflows are being started at once")

// begin waits for a place, for half of the time that ctx leaves: the other half is for
// the start itself. Where so many wait already that it would be in vain, it is answered at
// once, so that a burst leaves the processors to the starts that can succeed. end lets
// the next one begin.
func (s *starting) begin(ctx context.Context) (end func(), err error) {
	select {
	case s.places <- struct{}{}:
		return s.begun(), nil
	default:
	}
	waiting := s.waiting.Add(1)
	defer s.waiting.Add(-1)
	if deadline, ok := ctx.Deadline(); ok {
		patience := time.Until(deadline) / 2
		places := int64(cap(s.places))
		rounds := (waiting + places - 1) / places // of starts, until it is this one's turn
		if time.Duration(rounds*s.took.Load()) > patience {
			return nil, errBusy
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	select {
	case s.places <- struct{}{}:
		return s.begun(), nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// begun returns the end of a start that has got a place. Each one changes by an eighth
// how long starts are expected to take.
func (s *starting) begun() (end func()) {
	began := time.Now()
	return func() {
		before := s.took.Load()
		s.took.Store(before + (int64(time.Since(began))-before)/8)
		<-s.places
	}
}

var errThrottled = errors.New("over the limit of callbacks that start a workflow")

func allowed(ctx context.Context, limit Limit, app tencent.SDKAppID) bool {
	return limit == nil || limit.Take(ctx, app)
}
