// Package dedupe recognizes duplicate callbacks by CallId with one round trip
// to Redis.
//
// Redis only saves work. What it forgets, the workflow ID still knows, and what
// that forgets, the ledger knows. So no method returns an error: while Redis is
// down, slow or empty, the answer is Unavailable or Claimed, and the caller
// asks Temporal.
package dedupe

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// Retention is how long a call whose workflow was started is remembered: one
// day longer than Tencent's API lists its record.
const Retention = 8 * 24 * time.Hour

// claimTTL is many times as long as a callback takes, and short, so that the
// claim of a failed start or of a process that died is forgotten soon. Until
// then other callbacks of the call are Held, which does not stop them.
const claimTTL = 10 * time.Second

// Outcome is what Redis knows about a call.
type Outcome string

// The outcomes of Claim. After each but Known, start the workflow, whose ID
// decides whether the callback is a duplicate, and then Confirm.
const (
	// Claimed: this is the first callback.
	Claimed Outcome = "claimed"
	// Held: another callback is being handled, or its start has failed, or its
	// process has died.
	Held Outcome = "held"
	// Known: the workflow was durably started.
	Known Outcome = "known"
	// Unavailable: Redis did not answer.
	Unavailable Outcome = "unavailable"
)

// Claim is the answer of Store.Claim.
type Claim struct {
	Outcome Outcome
	// Fingerprint is that of the first callback, empty if Unavailable.
	Fingerprint string
	// Key identifies the call.
	Key string
}

// The values are "claim <fingerprint>" while the workflow is being started, and
// "done <fingerprint>" after that.
const (
	stateClaim = "claim"
	stateDone  = "done"
)

// Store keeps in Redis which calls were started. It is safe for concurrent use.
type Store struct {
	guard    *redisguard.Guard
	outcomes *prometheus.CounterVec
}

// New returns a Store in a Redis of version 7.0 or newer.
func New(guard *redisguard.Guard, reg prometheus.Registerer) *Store {
	s := &Store{
		guard: guard,
		outcomes: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_dedupe_total",
			Help: "Callbacks by what Redis knew about their CallId: claimed (new), held (claimed before, not confirmed), known (a duplicate), unavailable.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []Outcome{Claimed, Held, Known, Unavailable} {
		s.outcomes.WithLabelValues(string(outcome)) // so that an increase from zero is visible
	}
	return s
}

// Key is the Redis key of a call. An SDKAppID consists of digits, so no two
// calls share a key, whatever their CallIds contain.
func Key(app tencent.SDKAppID, callID string) string {
	return redisguard.KeyPrefix + "call:" + app.String() + ":" + callID
}

// Ping reports whether Redis accepts a write in time.
func (s *Store) Ping(ctx context.Context) error { return s.guard.Ping(ctx) }

// Claim claims a call for a callback, unless another has claimed it before. It
// costs one round trip, and none while Redis is known to be down.
func (s *Store) Claim(ctx context.Context, app tencent.SDKAppID, callID, fingerprint string) Claim {
	c := s.claim(ctx, app, callID, fingerprint)
	s.outcomes.WithLabelValues(string(c.Outcome)).Inc()
	return c
}

func (s *Store) claim(ctx context.Context, app tencent.SDKAppID, callID, fingerprint string) Claim {
	c := Claim{Outcome: Unavailable, Key: Key(app, callID)}
	value := stateClaim + " " + fingerprint
	var found string
	if err := s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		var err error
		// SetArgs does the same with twice the allocations.
		found, err = rdb.Do(ctx, "SET", c.Key, value, "PX", claimTTL.Milliseconds(), "NX", "GET").Text()
		return err
	}); err != nil {
		return c
	}
	state, first, _ := strings.Cut(found, " ")
	switch state {
	case "":
		c.Outcome, c.Fingerprint = Claimed, fingerprint
	case stateDone:
		c.Outcome, c.Fingerprint = Known, first
	default:
		c.Outcome, c.Fingerprint = Held, first
	}
	return c
}

// Confirm records that the workflow of the call is durably started, and the
// fingerprint of the callback that started it.
func (s *Store) Confirm(ctx context.Context, c Claim, fingerprint string) {
	// If this is lost, later duplicates cost Temporal a request each.
	_ = s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Set(ctx, c.Key, stateDone+" "+fingerprint, Retention).Err()
	})
}

// Confirmed reports whether the call has meanwhile been confirmed for another
// callback, and the fingerprint of the callback that started its workflow.
func (s *Store) Confirmed(ctx context.Context, c Claim) (fingerprint string, confirmed bool) {
	var found string
	if err := s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		var err error
		found, err = rdb.Get(ctx, c.Key).Result()
		return err
	}); err != nil {
		return "", false
	}
	state, first, _ := strings.Cut(found, " ")
	return first, state == stateDone
}
