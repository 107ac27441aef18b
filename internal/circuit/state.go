package circuit

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

// key is where Redis keeps which processes have an open breaker for a target: a
// sorted set of processes by the time of their next test. The entry of a process
// that died expires with that time.
func key(target string) string { return redisguard.KeyPrefix + "paused:" + target }

// publish writes the state to Redis if it has changed.
func (b *Breaker) publish(ctx context.Context) {
	until := b.openUntil.Load()
	if b.published.Swap(until) == until {
		return
	}
	// If this fails, Redis has an old state until the next request; nothing but the
	// display depends on it.
	err := b.all.guard.Do(context.WithoutCancel(ctx), func(ctx context.Context, rdb redis.UniversalClient) error {
		if until == 0 {
			return rdb.ZRem(ctx, key(b.target), b.all.process).Err()
		}
		_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.ZAdd(ctx, key(b.target), redis.Z{Score: float64(time.Unix(0, until).Unix()), Member: b.all.process})
			tx.Expire(ctx, key(b.target), 2*b.cooldown+time.Minute)
			return nil
		})
		return err
	})
	if err != nil {
		b.published.CompareAndSwap(until, unpublished)
	}
}

// unpublished is no value of openUntil.
const unpublished = -1

// Open is what Redis knows of the open breakers for a target.
type Open struct {
	// Processes is how many processes have an open breaker.
	Processes int
	// Until is when the last of them tests the target again.
	Until time.Time
}

// OpenFor reads from Redis which processes have an open breaker for a target at now.
func OpenFor(ctx context.Context, guard *redisguard.Guard, target string, now time.Time) (Open, error) {
	var open Open
	err := guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		members, err := rdb.ZRangeByScoreWithScores(ctx, key(target), &redis.ZRangeBy{
			Min: strconv.FormatInt(now.Unix(), 10), Max: "+inf",
		}).Result()
		if err != nil || len(members) == 0 {
			return err
		}
		open = Open{Processes: len(members), Until: time.Unix(int64(members[len(members)-1].Score), 0)}
		return nil
	})
	return open, err
}
