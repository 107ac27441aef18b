package circuit

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

// key is where Redis keeps which processes have paused a target: a sorted set
// of processes by the time at which their next test is due. A process that died
// is out of it when that time has come.
func key(target string) string { return "aftercall:paused:" + target }

// tell lets Redis know when the state has changed.
func (c *Circuit) tell(ctx context.Context) {
	until := c.pausedUntil.Load()
	if c.told.Swap(until) == until {
		return
	}
	// A Redis that does not hear of it shows it the next time; nothing depends on it.
	_ = c.all.guard.Do(context.WithoutCancel(ctx), func(ctx context.Context, rdb redis.UniversalClient) error {
		if until == 0 {
			return rdb.ZRem(ctx, key(c.target), c.all.process).Err()
		}
		_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.ZAdd(ctx, key(c.target), redis.Z{Score: float64(time.Unix(0, until).Unix()), Member: c.all.process})
			tx.Expire(ctx, key(c.target), 2*c.pause+time.Minute)
			return nil
		})
		return err
	})
}

// Pauses is who has paused a target.
type Pauses struct {
	// Processes is how many have.
	Processes int
	// Until is when the last of them tests it again.
	Until time.Time
}

// Paused asks Redis which processes have paused a target at now.
func Paused(ctx context.Context, guard *redisguard.Guard, target string, now time.Time) (Pauses, error) {
	var pauses Pauses
	err := guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		members, err := rdb.ZRangeByScoreWithScores(ctx, key(target), &redis.ZRangeBy{
			Min: strconv.FormatInt(now.Unix(), 10), Max: "+inf",
		}).Result()
		if err != nil || len(members) == 0 {
			return err
		}
		pauses = Pauses{Processes: len(members), Until: time.Unix(int64(members[len(members)-1].Score), 0)}
		return nil
	})
	return pauses, err
}
