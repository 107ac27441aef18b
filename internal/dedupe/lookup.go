package dedupe

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// State is what Redis knows about a call.
type State struct {
	// Found says that Redis knows the call at all.
	Found bool
	// Started says that a callback has durably started its workflow. Otherwise
	// one is being handled, or its start has failed, or its process has died.
	Started bool
	// ExpiresIn is the time after which Redis forgets the call.
	ExpiresIn time.Duration
}

// Lookup reads what Redis knows about a call, and changes nothing.
func Lookup(ctx context.Context, rdb redis.UniversalClient, now time.Time, app tencent.SDKAppID, callID string) (State, error) {
	found, expiresIn, err := look(ctx, rdb, anywhere(now, app, callID))
	state, _ := parse(found)
	return State{Found: state != "", Started: state == stateKnown, ExpiresIn: expiresIn}, err
}

// look returns what Redis has of a call, empty for nothing, and how long it keeps it.
func look(ctx context.Context, rdb redis.UniversalClient, p place) (found string, expiresIn time.Duration, err error) {
	answer, err := lookScript.run(ctx, rdb, p.keys, p.field).Slice()
	if err != nil {
		return "", 0, err
	}
	if len(answer) == 2 {
		found, _ = answer[0].(string)
		ms, _ := answer[1].(int64)
		expiresIn = time.Duration(max(ms, 0)) * time.Millisecond
	}
	return found, expiresIn, nil
}

// Forget makes Redis forget a call, so that Temporal is asked about its next
// callback. If Redis does not answer, duplicates stay known until the window is over.
func Forget(ctx context.Context, guard *redisguard.Guard, now time.Time, app tencent.SDKAppID, callID string) error {
	place := anywhere(now, app, callID)
	return guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return forgetScript.run(ctx, rdb, place.keys, place.field).Err()
	})
}
