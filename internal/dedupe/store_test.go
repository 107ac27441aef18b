package dedupe

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/redisguard"
	"aftercall/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const app = 1400000000

func newStore(t *testing.T, url string) (*Store, *redis.Client) {
	t.Helper()
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(guard.Close)
	return New(guard, prometheus.NewRegistry()), rdb
}

// onEveryRedis runs a test with the embedded Redis and with the real one.
func onEveryRedis(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("miniredis", func(t *testing.T) { test(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("redis-server", func(t *testing.T) {
		if r, ok := testenv.StartRedis(t); ok {
			test(t, r.URL())
		}
	})
}

func (s *Store) counted(outcome Outcome) float64 {
	return testutil.ToFloat64(s.outcomes.WithLabelValues(string(outcome)))
}

func TestClaimAndConfirm(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		s, rdb := newStore(t, url)
		ctx := t.Context()
		require.Equal(t, 4, testutil.CollectAndCount(s.outcomes), "all outcomes are there from the start")
		state := func() State {
			t.Helper()
			state, err := Lookup(ctx, rdb, app, "c1")
			require.NoError(t, err)
			return state
		}
		require.Equal(t, State{}, state())

		first := s.Claim(ctx, app, "c1", "fp1")
		require.Equal(t, Claimed, first.Outcome)
		require.Equal(t, "fp1", first.Fingerprint)
		claimed := state()
		require.True(t, claimed.Found)
		require.False(t, claimed.Started)
		require.Positive(t, claimed.ExpiresIn)
		require.LessOrEqual(t, claimed.ExpiresIn, claimTTL)

		second := s.Claim(ctx, app, "c1", "fp2")
		require.Equal(t, Held, second.Outcome)
		require.Equal(t, "fp1", second.Fingerprint, "that of the first callback")
		require.Equal(t, Claimed, s.Claim(ctx, app+1, "c1", "fp1").Outcome, "another app's call")

		s.Confirm(ctx, second, "fp2")
		known := s.Claim(ctx, app, "c1", "fp3")
		require.Equal(t, Known, known.Outcome)
		require.Equal(t, "fp2", known.Fingerprint, "that of the callback that started the workflow")
		confirmed := state()
		require.True(t, confirmed.Found)
		require.True(t, confirmed.Started)
		require.Greater(t, confirmed.ExpiresIn, Retention-time.Minute)
		require.LessOrEqual(t, confirmed.ExpiresIn, Retention)

		require.NoError(t, Forget(ctx, s.guard, app, "c1"))
		require.Equal(t, State{}, state())
		require.Equal(t, Claimed, s.Claim(ctx, app, "c1", "fp1").Outcome)
		require.NoError(t, Forget(ctx, s.guard, app, "never heard of"))

		require.InDelta(t, 3, s.counted(Claimed), 0)
		require.InDelta(t, 1, s.counted(Held), 0)
		require.InDelta(t, 1, s.counted(Known), 0)
		require.InDelta(t, 0, s.counted(Unavailable), 0)
	})
}

func TestLookupWithoutRedis(t *testing.T) {
	m := miniredis.RunT(t)
	_, rdb := newStore(t, "redis://"+m.Addr())
	m.SetError("LOADING")
	_, err := Lookup(t.Context(), rdb, app, "c1")
	require.ErrorContains(t, err, "LOADING")
}

func TestLookupOfAValueWithoutExpiry(t *testing.T) {
	m := miniredis.RunT(t)
	_, rdb := newStore(t, "redis://"+m.Addr())
	require.NoError(t, m.Set(Key(app, "c1"), stateDone+" fp"))
	state, err := Lookup(t.Context(), rdb, app, "c1")
	require.NoError(t, err)
	require.Equal(t, State{Found: true, Started: true}, state)
}

func TestKeysOfDifferentCallsDiffer(t *testing.T) {
	require.Equal(t, "aftercall:call:1400000000:c1", Key(app, "c1"))
	require.NotEqual(t, Key(app, "1:c"), Key(app*10+1, "c"))
}

func TestClaimExpires(t *testing.T) {
	m := miniredis.RunT(t)
	s, _ := newStore(t, "redis://"+m.Addr())
	require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", "fp").Outcome)
	m.FastForward(claimTTL)
	require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", "fp").Outcome)
}

func TestOneOfManyConcurrentCallbacksClaims(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		s, _ := newStore(t, url)
		outcomes := make(chan Outcome, 100)
		var wg sync.WaitGroup
		for range cap(outcomes) {
			wg.Go(func() { outcomes <- s.Claim(context.Background(), app, "c1", "fp").Outcome })
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
	s, _ := newStore(t, "redis://"+m.Addr())
	s.Claim(t.Context(), app, "c1", "fp") // connects, with a handshake
	before := m.CommandCount()
	s.Claim(t.Context(), app, "c1", "fp")
	require.Equal(t, before+1, m.CommandCount())
}

func TestOutage(t *testing.T) {
	m := miniredis.RunT(t)
	s, _ := newStore(t, "redis://"+m.Addr())
	m.SetError("LOADING Redis is loading the dataset in memory")
	for range 50 {
		c := s.Claim(t.Context(), app, "c1", "fp")
		require.Equal(t, Unavailable, c.Outcome)
		require.Empty(t, c.Fingerprint)
		s.Confirm(t.Context(), c, "fp")
		require.Error(t, Forget(t.Context(), s.guard, app, "c1"))
	}
	require.InDelta(t, 50, s.counted(Unavailable), 0)

	m.SetError("")
	require.Eventually(t, s.guard.Up, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", "fp").Outcome)
}

func TestRealRedisRestarts(t *testing.T) {
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	s, _ := newStore(t, r.URL())
	ctx := t.Context()
	s.Confirm(ctx, s.Claim(ctx, app, "c1", "fp"), "fp")
	r.Stop()
	require.Equal(t, Unavailable, s.Claim(ctx, app, "c1", "fp").Outcome)
	r.Start()
	require.Eventually(t, s.guard.Up, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, Known, s.Claim(ctx, app, "c1", "fp").Outcome, "the append-only file kept it")
}
