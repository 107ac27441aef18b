package ratelimit

import (
	"context"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

// prefixed puts the keys of redis_rate, which begin with "rate:", under the one
// prefix of this project, so that a Redis user needs no other.
type prefixed struct{ redis.UniversalClient }

// EvalSha implements redis.Scripter.
func (p prefixed) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return p.UniversalClient.EvalSha(ctx, sha, underPrefix(keys), args...)
}

// Eval implements redis.Scripter.
func (p prefixed) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return p.UniversalClient.Eval(ctx, script, underPrefix(keys), args...)
}

func underPrefix(keys []string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = redisguard.KeyPrefix + key
	}
	return all
}
