package callback

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// acceptTime is how long a call that was answered 503 has to be accepted on
	// another callback, here or in another process. An older generation of
	// Tencent's product sends a callback again for about 12 s.
	acceptTime = 30 * time.Second
	// maxUnaccepted bounds the memory of an outage.
	maxUnaccepted = 10000
	// acceptCheckTimeout bounds asking Redis and Temporal about one call.
	acceptCheckTimeout = 2 * time.Second
)

// unaccepted counts calls, not answers: those that were answered 503 and have
// not been accepted on any callback since. It is safe for concurrent use.
type unaccepted struct {
	counter *prometheus.CounterVec
	logger  *slog.Logger

	size  atomic.Int64 // of calls
	mu    sync.Mutex
	calls map[string]*time.Timer
}

func newUnaccepted(counter *prometheus.CounterVec, logger *slog.Logger) *unaccepted {
	return &unaccepted{counter: counter, logger: logger, calls: map[string]*time.Timer{}}
}

// rejected notes a call that was answered 503. Once its time is over, elsewhere
// says whether another process has accepted it.
func (u *unaccepted) rejected(ctx context.Context, app, callID, key string, elsewhere func(context.Context) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.calls[key] != nil:
		return
	case len(u.calls) >= maxUnaccepted:
		u.counter.WithLabelValues(app).Inc()
		return
	}
	ctx = context.WithoutCancel(ctx)
	u.calls[key] = time.AfterFunc(acceptTime, func() {
		ctx, cancel := context.WithTimeout(ctx, acceptCheckTimeout)
		defer cancel()
		accepted := elsewhere(ctx)
		if !u.forget(key) || accepted {
			return
		}
		u.counter.WithLabelValues(app).Inc()
		u.logger.ErrorContext(ctx, "call not accepted: all of its callbacks were answered 503, and only the sweep can find it",
			"app", app, "call_id", callID)
	})
	u.size.Store(int64(len(u.calls)))
}

// accepted notes that a call was accepted.
func (u *unaccepted) accepted(key string) {
	if u.size.Load() > 0 { // which costs a duplicate next to nothing
		u.forget(key)
	}
}

func (u *unaccepted) forget(key string) (found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	timer := u.calls[key]
	if timer == nil {
		return false
	}
	timer.Stop()
	delete(u.calls, key)
	u.size.Store(int64(len(u.calls)))
	return true
}

// stop forgets all calls.
func (u *unaccepted) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, timer := range u.calls {
		timer.Stop()
		delete(u.calls, key)
	}
	u.size.Store(0)
}
