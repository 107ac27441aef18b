package ratelimit_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// newBuckets returns those of another process.
func newBuckets(t *testing.T, url string, rate ratelimit.Rate) *ratelimit.Buckets {
	t.Helper()
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout)
	require.NoError(t, err)
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		guard.Close()
		require.NoError(t, rdb.Close())
	})
	return ratelimit.NewBuckets(guard, "calls", map[tencent.SDKAppID]ratelimit.Rate{app: rate, app + 1: rate})
}

// slow is a rate at which no token is added during a test that takes minutes.
func slow(burst int) ratelimit.Rate { return ratelimit.Rate{PerSecond: 1, Burst: burst} }

// takeAtOnce counts the tokens that n requests get.
func takeAtOnce(t *testing.T, n int, of ...*ratelimit.Buckets) int {
	t.Helper()
	var got atomic.Int32
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if of[i%len(of)].Take(t.Context(), app) {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	return int(got.Load())
}

func TestProcessesShareABucket(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		one, two := newBuckets(t, url, slow(200)), newBuckets(t, url, slow(200))
		got := takeAtOnce(t, 600, one, two)
		require.GreaterOrEqual(t, got, 1)
		require.LessOrEqual(t, got, 260, "some seconds may have passed")
		for one.Take(t.Context(), app) { // what one process took for requests that the other has
			got++
		}
		require.LessOrEqual(t, got, 320)
		require.True(t, one.Take(t.Context(), app+1), "another app has a bucket of its own")
		require.True(t, one.Take(t.Context(), app+2), "no limit is configured")
	})
}

// TestABurstPasses has as many calls at once as are planned for, and few round trips.
func TestABurstPasses(t *testing.T) {
	m := miniredis.RunT(t)
	b := newBuckets(t, "redis://"+m.Addr(), ratelimit.Rate{PerSecond: 200, Burst: 10_000})
	before := m.CommandCount()
	require.Equal(t, 5000, takeAtOnce(t, 5000, b))
	require.Less(t, m.CommandCount()-before, 5000)
}

// TestWithoutRedisEachProcessHasABucket: Redis is no authority.
func TestWithoutRedisEachProcessHasABucket(t *testing.T) {
	m := miniredis.RunT(t)
	one, two := newBuckets(t, "redis://"+m.Addr(), slow(100)), newBuckets(t, "redis://"+m.Addr(), slow(100))
	m.SetError("LOADING Redis is loading the dataset in memory")
	for _, b := range []*ratelimit.Buckets{one, two} {
		got := takeAtOnce(t, 400, b)
		require.GreaterOrEqual(t, got, 100)
		require.LessOrEqual(t, got, 160)
	}
}
