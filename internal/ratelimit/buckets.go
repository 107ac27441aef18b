package ratelimit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// Rate is that of a token bucket: it holds Burst tokens, and gets PerSecond new ones.
type Rate struct{ PerSecond, Burst int }

const (
	// maxTaken is how many tokens are taken at once, for requests that wait.
	maxTaken = 500
	// localTime is how long a process keeps to its own bucket after Redis has not
	// answered: while it is slow, each request would wait for it.
	localTime = time.Second
	// maxEmptyTime is how long an empty bucket is not asked again.
	maxEmptyTime = 100 * time.Millisecond
)

// Buckets are token buckets of apps, which all processes share through Redis.
// Unlike a Limiter, they let nobody wait. While Redis is down, each process has
// buckets of its own. They are safe for concurrent use.
type Buckets struct {
	guard   *redisguard.Guard
	name    string
	buckets map[tencent.SDKAppID]*bucket
}

// bucket is that of an app. Those who wait for its mutex share a round trip: the
// one that asks Redis takes tokens for all.
type bucket struct {
	rate    Rate
	local   *rate.Limiter
	waiting atomic.Int32

	mu sync.Mutex
	// spare tokens are good until spareUntil.
	spare      int
	spareUntil time.Time
	emptyUntil time.Time
	localUntil time.Time
}

// NewBuckets returns the buckets of apps. The processes share those of one name.
func NewBuckets(guard *redisguard.Guard, name string, rates map[tencent.SDKAppID]Rate) *Buckets {
	b := &Buckets{guard: guard, name: name, buckets: make(map[tencent.SDKAppID]*bucket, len(rates))}
	for app, r := range rates {
		b.buckets[app] = &bucket{rate: r, local: rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)}
	}
	return b
}

// Take takes a token from the bucket of an app, and reports whether there was one.
// It may take two round trips to Redis, or wait as long for another one's.
func (b *Buckets) Take(ctx context.Context, app tencent.SDKAppID) bool {
	q, ok := b.buckets[app]
	if !ok { // no limit
		return true
	}
	q.waiting.Add(1)
	defer q.waiting.Add(-1)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch now := time.Now(); {
	case q.spare > 0 && now.Before(q.spareUntil):
		q.spare--
		return true
	case now.Before(q.emptyUntil):
		return false
	case now.Before(q.localUntil):
		return q.local.Allow()
	}
	var result *redis_rate.Result
	err := b.guard.DoRoundTrips(ctx, roundTrips, func(ctx context.Context, rdb redis.UniversalClient) (err error) {
		n := min(int(q.waiting.Load()), q.rate.Burst, maxTaken)
		result, err = redis_rate.NewLimiter(prefixed{rdb}).AllowAtMost(ctx, b.name+":"+app.String(), redis_rate.Limit{
			Rate: q.rate.PerSecond, Burst: q.rate.Burst, Period: time.Second,
		}, n)
		return err
	})
	now := time.Now()
	switch {
	case err != nil:
		q.localUntil = now.Add(localTime)
		return q.local.Allow()
	case result.Allowed == 0:
		q.emptyUntil = now.Add(min(result.RetryAfter, maxEmptyTime))
		return false
	}
	q.spare, q.spareUntil = result.Allowed-1, now.Add(spareTime)
	return true
}
