package redisguard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// CheckPermissions tries each command that this project uses, on a key that
// expires at once, and returns those that Redis refuses to the user.
func CheckPermissions(ctx context.Context, rdb redis.UniversalClient) error {
	hash, set := probeKey+":hash", probeKey+":set"
	results, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, probeKey, "1", time.Second)
		p.Get(ctx, probeKey)
		p.MGet(ctx, probeKey)
		p.PTTL(ctx, probeKey)
		p.EvalSha(ctx, strings.Repeat("0", 40), []string{probeKey})
		p.Eval(ctx, `redis.call("TIME"); redis.call("GET", KEYS[1]); return redis.call("SET", KEYS[1], "1", "EX", 1)`, []string{probeKey})
		p.Do(ctx, "MULTI")
		p.Do(ctx, "EXEC")
		p.HSetNX(ctx, hash, "since", 0)
		p.HSet(ctx, hash, "reason", "")
		p.HIncrBy(ctx, hash, "count", 1)
		p.HGet(ctx, hash, "count")
		p.HDel(ctx, hash, "count")
		p.HGetAll(ctx, hash)
		p.ZAdd(ctx, set, redis.Z{Member: ""})
		p.Expire(ctx, set, time.Second)
		p.ZRangeByScore(ctx, set, &redis.ZRangeBy{Min: "0", Max: "0"})
		p.ZRange(ctx, set, 0, 0)
		p.ZRemRangeByScore(ctx, set, "1", "1")
		p.ZRem(ctx, set, "")
		p.Del(ctx, hash)
		p.Del(ctx, set)
		return nil
	})
	var refused []error
	for _, result := range results {
		if err := result.Err(); Refused(err) {
			refused = append(refused, fmt.Errorf("%s: %w", result.Name(), err))
		}
	}
	if len(refused) == 0 && isTimeout(err) {
		return err
	}
	return errors.Join(refused...)
}
