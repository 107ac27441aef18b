package dedupe

import (
	"context"
	"errors"
	"strings"
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
func Lookup(ctx context.Context, rdb redis.UniversalClient, app tencent.SDKAppID, callID string) (State, error) {
	key := Key(app, callID)
	value, err := rdb.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	expiresIn, err := rdb.PTTL(ctx, key).Result()
	if err != nil {
		return State{}, err
	}
	state, _, _ := strings.Cut(value, " ")
	return State{Found: true, Started: state == stateDone, ExpiresIn: max(expiresIn, 0)}, nil
}

// Forget makes Redis forget a call, so that Temporal is asked about its next
// callback. If Redis does not answer, duplicates stay known until Retention is over.
func Forget(ctx context.Context, guard *redisguard.Guard, app tencent.SDKAppID, callID string) error {
	return guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Del(ctx, Key(app, callID)).Err()
	})
}
