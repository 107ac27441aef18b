package circuit

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

const (
	// problemTTL is how long Redis keeps a problem that is not found again. Failed
	// deliveries are repeated more often than that.
	problemTTL = time.Hour
	// republishAfter is the shortest time between two writes of the same state to
	// Redis: another process may have written another one meanwhile.
	republishAfter = 10 * time.Second
)

// problemKey is where Redis keeps the problem of a target: a hash that all
// processes write, and that the next success in any of them removes.
func problemKey(target string) string { return redisguard.KeyPrefix + "problem:" + target }

// problemState is what this process has written to Redis last, and when.
type problemState struct {
	mu     sync.Mutex
	reason string
	at     time.Time
}

// due reports whether reason, empty for none, is to be written, and remembers that
// it was.
func (p *problemState) due(reason string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == reason && now.Sub(p.at) < republishAfter {
		return false
	}
	p.reason, p.at = reason, now
	return true
}

// forget makes any state due again.
func (p *problemState) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Time{}
}

// publishProblem writes to Redis what an operator must correct, or removes it
// after a success. Other failures leave it as it is.
func (b *Breaker) publishProblem(ctx context.Context, succeeded bool, reason string) {
	now := b.all.now()
	if (reason == "" && !succeeded) || !b.problem.due(reason, now) {
		return
	}
	// If this fails, Redis has an old state until the next attempt; nothing but the
	// display depends on it.
	err := b.all.guard.Do(context.WithoutCancel(ctx), func(ctx context.Context, rdb redis.UniversalClient) error {
		key := problemKey(b.target)
		if reason == "" {
			return rdb.Del(ctx, key).Err()
		}
		_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.HSetNX(ctx, key, "since", now.Unix())
			tx.HSet(ctx, key, "reason", reason)
			tx.Expire(ctx, key, problemTTL)
			return nil
		})
		return err
	})
	if err != nil {
		b.problem.forget()
	}
}

// Problem is what an operator must correct so that a target accepts deliveries.
// The zero value is no problem.
type Problem struct {
	Reason string
	// Since is when it was first found after the last success.
	Since time.Time
}

// ProblemOf reads from Redis what an operator must correct about a target.
func ProblemOf(ctx context.Context, guard *redisguard.Guard, target string) (Problem, error) {
	var fields map[string]string
	err := guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) (err error) {
		fields, err = rdb.HGetAll(ctx, problemKey(target)).Result()
		return err
	})
	if err != nil || fields["reason"] == "" {
		return Problem{}, err
	}
	since, err := strconv.ParseInt(fields["since"], 10, 64)
	if err != nil {
		return Problem{}, errors.New("the time of the problem of " + target + " in Redis is not a number")
	}
	return Problem{Reason: fields["reason"], Since: time.Unix(since, 0)}, nil
}
