package dedupe

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/redisguard"
	"aftercall/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const app = 1400000000

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func newGate(t *testing.T, url string) (*Gate, *redis.Client, *lockedBuffer) {
	t.Helper()
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	logs := &lockedBuffer{}
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.NewTextHandler(logs, nil)))
	t.Cleanup(guard.Close)
	g := New(guard, prometheus.NewRegistry())
	return g, rdb, logs
}

// onEveryRedis runs a test on the embedded Redis and on the real one.
func onEveryRedis(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("miniredis", func(t *testing.T) { test(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("redis-server", func(t *testing.T) {
		if r, ok := testenv.StartRedis(t); ok {
			test(t, r.URL())
		}
	})
}

func TestClaimConfirmRelease(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		g, rdb, _ := newGate(t, url)
		ctx := context.Background()

		first := g.Claim(ctx, app, "c1", "fp1")
		require.Equal(t, Claimed, first.Outcome)
		require.Equal(t, "fp1", first.Fingerprint)
		second := g.Claim(ctx, app, "c1", "fp2")
		require.Equal(t, Held, second.Outcome)
		require.Equal(t, "fp1", second.Fingerprint, "a held claim tells what the first delivery said")
		require.Equal(t, Claimed, g.Claim(ctx, app+1, "c1", "fp1").Outcome, "another app's call")

		g.Release(ctx, second)
		require.Equal(t, Held, g.Claim(ctx, app, "c1", "fp1").Outcome, "only the holder can release")
		g.Release(ctx, first)
		third := g.Claim(ctx, app, "c1", "fp3")
		require.Equal(t, Claimed, third.Outcome, "released by its holder")

		ttl, err := rdb.PTTL(ctx, Key(app, "c1")).Result()
		require.NoError(t, err)
		require.Positive(t, ttl)
		require.LessOrEqual(t, ttl, claimTTL)

		g.Confirm(ctx, third, "fp3")
		known := g.Claim(ctx, app, "c1", "fp4")
		require.Equal(t, Known, known.Outcome)
		require.Equal(t, "fp3", known.Fingerprint)
		g.Release(ctx, third)
		require.Equal(t, Known, g.Claim(ctx, app, "c1", "fp3").Outcome, "a confirmed call is not released")

		ttl, err = rdb.PTTL(ctx, Key(app, "c1")).Result()
		require.NoError(t, err)
		require.Greater(t, ttl, Horizon-time.Minute)
		require.True(t, g.guard.Up())
	})
}

func TestClaimOfAProcessThatDiedExpires(t *testing.T) {
	m := miniredis.RunT(t)
	g, _, _ := newGate(t, "redis://"+m.Addr())
	require.Equal(t, Claimed, g.Claim(context.Background(), app, "c1", "fp").Outcome)
	m.FastForward(claimTTL)
	require.Equal(t, Claimed, g.Claim(context.Background(), app, "c1", "fp").Outcome)
}

func TestOneOfManyConcurrentDeliveriesClaims(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		g, _, _ := newGate(t, url)
		outcomes := make(chan Outcome, 100)
		var wg sync.WaitGroup
		for range cap(outcomes) {
			wg.Go(func() { outcomes <- g.Claim(context.Background(), app, "c1", "fp").Outcome })
		}
		wg.Wait()
		close(outcomes)
		count := map[Outcome]int{}
		for o := range outcomes {
			count[o]++
		}
		require.Equal(t, map[Outcome]int{Claimed: 1, Held: 99}, count)
	})
}

func TestAClaimCostsOneRoundTrip(t *testing.T) {
	m := miniredis.RunT(t)
	g, _, _ := newGate(t, "redis://"+m.Addr())
	g.Claim(context.Background(), app, "c1", "fp") // connects, with a handshake
	before := m.CommandCount()
	g.Claim(context.Background(), app, "c1", "fp")
	require.Equal(t, before+1, m.CommandCount())
}

func TestOutage(t *testing.T) {
	m := miniredis.RunT(t)
	g, _, logs := newGate(t, "redis://"+m.Addr())
	ctx := context.Background()
	g.Claim(ctx, app, "c0", "fp")

	m.SetError("LOADING Redis is loading the dataset in memory")
	for range 50 {
		require.Equal(t, Unavailable, g.Claim(ctx, app, "c1", "fp").Outcome)
	}
	require.False(t, g.guard.Up())
	require.Equal(t, 1, logs.count("Redis is down"), "an outage is logged once, not per request")

	m.SetError("")
	require.Eventually(t, g.guard.Up, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, 1, logs.count("Redis is up again"))
	require.Equal(t, Claimed, g.Claim(ctx, app, "c1", "fp").Outcome)
}

func TestRealRedisRestarts(t *testing.T) {
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	g, _, _ := newGate(t, r.URL())
	ctx := context.Background()
	g.Confirm(ctx, g.Claim(ctx, app, "c1", "fp"), "fp")
	r.Stop()
	require.Equal(t, Unavailable, g.Claim(ctx, app, "c1", "fp").Outcome)
	r.Start()
	require.Eventually(t, g.guard.Up, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, Known, g.Claim(ctx, app, "c1", "fp").Outcome, "the append-only file kept it")
}
