// Package dedupe recognizes duplicate callbacks by CallId with one round trip
// to Redis.
//
// Redis only saves work. What it forgets, the workflow ID still knows, and what
// that forgets, the ledger knows. So no method returns an error: while Redis is
// down, slow or empty, the answer is Unavailable or Claimed, and the caller
// asks Temporal.
//
// While the workflow of a call is being started, the call has a key of its own, the
// claim, for ten seconds. Then it is remembered in a few bytes, for the window.
package dedupe

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

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

	place place
}

// What Redis has of a call begins with one of these and a space: "claim <fingerprint>"
// is the claim, "known <packed fingerprint>" what a script makes of a field in a bucket.
// Before there were buckets, "done <fingerprint>" took the place of the claim for eight
// days, so starters of that release understand the claims, and this one what they wrote.
const (
	stateClaim  = "claim"
	stateKnown  = "known"
	stateBefore = "done"
)

// Store keeps in Redis which calls were started. It is safe for concurrent use.
type Store struct {
	guard    *redisguard.Guard
	window   time.Duration
	now      func() time.Time
	outcomes *prometheus.CounterVec
}

// New returns a Store in a Redis of version 7.0 or newer, which remembers a call for
// window at least, MinWindow to MaxWindow, and for a Period longer at most.
func New(guard *redisguard.Guard, window time.Duration, now func() time.Time, reg prometheus.Registerer) *Store {
	s := &Store{
		guard: guard, window: window, now: now,
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
	place := placeOf(s.now(), s.window, app, callID)
	c := Claim{Outcome: Unavailable, Key: place.keys[0], place: place}
	var found string
	if err := s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		var err error
		found, err = claimScript.run(ctx, rdb, place.keys, place.field, stateClaim+" "+fingerprint).Text()
		return err
	}); err != nil {
		return c
	}
	switch state, first := parse(found); state {
	case "":
		c.Outcome, c.Fingerprint = Claimed, fingerprint
	case stateKnown:
		c.Outcome, c.Fingerprint = Known, first
	default:
		c.Outcome, c.Fingerprint = Held, first
	}
	return c
}

// parse separates what Redis has of a call: stateClaim or stateKnown, or empty for
// nothing, and the fingerprint.
func parse(found string) (state, fingerprint string) {
	state, fingerprint, _ = strings.Cut(found, " ")
	switch state {
	case stateKnown:
		return stateKnown, hex.EncodeToString([]byte(fingerprint))
	case stateBefore:
		return stateKnown, fingerprint
	}
	return state, fingerprint
}

// Confirm records that the workflow of the call is durably started, and the
// fingerprint of the callback that started it, 32 hexadecimal digits.
func (s *Store) Confirm(ctx context.Context, c Claim, fingerprint string) {
	packed, err := hex.DecodeString(fingerprint)
	if err != nil {
		return // from a workflow that no callback of this program has started
	}
	// If this is lost, later duplicates cost Temporal a request each.
	_ = s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return remember(ctx, rdb, c.place, string(packed))
	})
}

// remember puts a call into the latest of its buckets.
func remember(ctx context.Context, rdb client, p place, packed string) error {
	return rememberScript.run(ctx, rdb, p.keys[1:2], p.field, packed, strconv.FormatInt(int64(p.expiry/time.Second), 10)).Err()
}

// Confirmed reports whether the call has meanwhile been confirmed for another
// callback, and the fingerprint of the callback that started its workflow.
func (s *Store) Confirmed(ctx context.Context, c Claim) (fingerprint string, confirmed bool) {
	var found string
	if err := s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		var err error
		found, _, err = look(ctx, rdb, c.place)
		return err
	}); err != nil {
		return "", false
	}
	state, first := parse(found)
	return first, state == stateKnown
}
