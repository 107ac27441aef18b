package dedupe

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/tencent"
)

// Seen is what Redis remembers of a call.
type Seen struct {
	// Known says that Redis remembers the call at all.
	Known bool
	// Started says that its workflow was durably started by a callback; else a
	// start is under way, or its process died while starting.
	Started bool
	// Expires is after how long Redis forgets.
	Expires time.Duration
}

// Look reads what Redis remembers of a call, and changes nothing.
func Look(ctx context.Context, rdb redis.UniversalClient, app tencent.SDKAppID, callID string) (Seen, error) {
	key := Key(app, callID)
	value, err := rdb.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return Seen{}, nil
	}
	if err != nil {
		return Seen{}, err
	}
	expires, err := rdb.PTTL(ctx, key).Result()
	if err != nil {
		return Seen{}, err
	}
	state, _, _ := strings.Cut(value, " ")
	return Seen{Known: true, Started: state == stateDone, Expires: max(expires, 0)}, nil
}
