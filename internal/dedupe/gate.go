// Package dedupe drops repeated callbacks by CallId with one Redis round trip.
//
// Redis is the cheap first gate and never the authority: what it forgets, the
// workflow ID still knows, and what that forgets, the ledger knows. So no
// method returns an error. When Redis is down, slow or flushed, the answer is
// Unavailable or Claimed, and the caller goes on to Temporal.
package dedupe

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// Horizon is how long a call that was started is remembered: one day more than
// the record API can list, so that a sweep over everything it lists is answered
// from Redis.
const Horizon = 8 * 24 * time.Hour

const (
	// claimTTL outlives any answer to a callback many times over, and is short
	// enough that a claim of a process that died is soon forgotten. Until then
	// other deliveries are Held, which does not stop them.
	claimTTL = 10 * time.Second
)

// Outcome is what Redis knows about a call.
type Outcome string

// The outcomes of Claim.
const (
	// Claimed: nobody was here before. Start the workflow, then Confirm or Release.
	Claimed Outcome = "claimed"
	// Held: another delivery is being started just now, or its process died
	// while starting. Go on to Temporal, whose workflow ID decides.
	Held Outcome = "held"
	// Known: the workflow was durably started. Nothing is left to do.
	Known Outcome = "known"
	// Unavailable: Redis cannot say. Go on to Temporal.
	Unavailable Outcome = "unavailable"
)

// Claim is the answer of Gate.Claim.
type Claim struct {
	Outcome Outcome
	// Fingerprint is that of the delivery that came first, empty when unknown.
	Fingerprint string

	key, value string
}

// The stored values: "claim <fingerprint> <token>" while a start is under way,
// "done <fingerprint>" once it is durable.
const (
	stateClaim = "claim"
	stateDone  = "done"
)

// release deletes a claim only if it is still the caller's own.
var release = redis.NewScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`)

// Gate is the first line of defence against handling a call twice. It is safe
// for concurrent use.
type Gate struct {
	guard    *redisguard.Guard
	outcomes *prometheus.CounterVec
}

// New returns a Gate on a Redis of version 7.0 or newer.
func New(guard *redisguard.Guard, reg prometheus.Registerer) *Gate {
	g := &Gate{
		guard: guard,
		outcomes: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "aftercall_dedupe_total",
			Help: "Callbacks by what Redis knew of their CallId: claimed, held, known, unavailable.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []Outcome{Claimed, Held, Known, Unavailable} {
		g.outcomes.WithLabelValues(string(outcome)) // an alert sees the first of each
	}
	return g
}

// Key is where the state of a call is kept. The SDKAppID is all digits, so no
// CallId can make two calls share a key.
func Key(app tencent.SDKAppID, callID string) string {
	return "aftercall:call:" + app.String() + ":" + callID
}

// Claim asks who handles a call, and takes it if nobody does. It costs one
// round trip, and none while Redis is known to be down.
func (g *Gate) Claim(ctx context.Context, app tencent.SDKAppID, callID, fingerprint string) Claim {
	c := g.claim(ctx, app, callID, fingerprint)
	g.outcomes.WithLabelValues(string(c.Outcome)).Inc()
	return c
}

func (g *Gate) claim(ctx context.Context, app tencent.SDKAppID, callID, fingerprint string) Claim {
	c := Claim{
		Outcome: Unavailable,
		key:     Key(app, callID),
		value:   stateClaim + " " + fingerprint + " " + rand.Text(),
	}
	var found string
	if err := g.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		var err error
		// SetArgs says the same with twice the garbage, for every duplicate.
		found, err = rdb.Do(ctx, "SET", c.key, c.value, "PX", claimTTL.Milliseconds(), "NX", "GET").Text()
		return err
	}); err != nil {
		return c
	}
	state, rest, _ := strings.Cut(found, " ")
	switch state {
	case "":
		c.Outcome, c.Fingerprint = Claimed, fingerprint
	case stateDone:
		c.Outcome, c.Fingerprint = Known, rest
	default:
		c.Outcome = Held
		c.Fingerprint, _, _ = strings.Cut(rest, " ")
	}
	return c
}

// Confirm records that the workflow of the call is durably started, and by
// which delivery.
func (g *Gate) Confirm(ctx context.Context, c Claim, fingerprint string) {
	// A lost confirmation costs later duplicates a call of Temporal, nothing else.
	_ = g.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Set(ctx, c.key, stateDone+" "+fingerprint, Horizon).Err()
	})
}

// Release gives a claim back after a failed start, so that the next delivery
// is the first again. It never removes what another delivery wrote since.
func (g *Gate) Release(ctx context.Context, c Claim) {
	if c.Outcome != Claimed {
		return
	}
	// A lost release expires with the claim.
	_ = g.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return release.Run(ctx, rdb, []string{c.key}, c.value).Err()
	})
}
