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

// The fingerprints of callbacks.
const (
	fp1 = "11111111111111111111111111111111"
	fp2 = "22222222222222222222222222222222"
	fp3 = "33333333333333333333333333333333"
)

func newStore(t *testing.T, url string) (*Store, *redis.Client) {
	t.Helper()
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(guard.Close)
	return New(guard, DefaultWindow, time.Now, prometheus.NewRegistry()), rdb
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
			state, err := Lookup(ctx, rdb, time.Now(), app, "c1")
			require.NoError(t, err)
			return state
		}
		require.Equal(t, State{}, state())

		first := s.Claim(ctx, app, "c1", fp1)
		require.Equal(t, Claimed, first.Outcome)
		require.Equal(t, fp1, first.Fingerprint)
		claimed := state()
		require.True(t, claimed.Found)
		require.False(t, claimed.Started)
		require.Positive(t, claimed.ExpiresIn)
		require.LessOrEqual(t, claimed.ExpiresIn, claimTTL)

		second := s.Claim(ctx, app, "c1", fp2)
		require.Equal(t, Held, second.Outcome)
		require.Equal(t, fp1, second.Fingerprint, "that of the first callback")
		require.Equal(t, Claimed, s.Claim(ctx, app+1, "c1", fp1).Outcome, "another app's call")

		s.Confirm(ctx, second, fp2)
		known := s.Claim(ctx, app, "c1", fp3)
		require.Equal(t, Known, known.Outcome)
		require.Equal(t, fp2, known.Fingerprint, "that of the callback that started the workflow")
		confirmed := state()
		require.True(t, confirmed.Found)
		require.True(t, confirmed.Started)
		require.Greater(t, confirmed.ExpiresIn, DefaultWindow-time.Minute)
		require.LessOrEqual(t, confirmed.ExpiresIn, DefaultWindow+Period)

		require.NoError(t, Forget(ctx, s.guard, time.Now(), app, "c1"))
		require.Equal(t, State{}, state())
		require.Equal(t, Claimed, s.Claim(ctx, app, "c1", fp1).Outcome)
		require.NoError(t, Forget(ctx, s.guard, time.Now(), app, "never heard of"))

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
	_, err := Lookup(t.Context(), rdb, time.Now(), app, "c1")
	require.ErrorContains(t, err, "LOADING")
}

func TestLookupOfAValueWithoutExpiry(t *testing.T) {
	m := miniredis.RunT(t)
	_, rdb := newStore(t, "redis://"+m.Addr())
	require.NoError(t, m.Set(ClaimKey(app, "c1"), "done "+fp1))
	state, err := Lookup(t.Context(), rdb, time.Now(), app, "c1")
	require.NoError(t, err)
	require.Equal(t, State{Found: true, Started: true}, state)
}

func TestKeysOfDifferentCallsDiffer(t *testing.T) {
	require.Equal(t, "aftercall:call:1400000000:c1", ClaimKey(app, "c1"))
	require.NotEqual(t, ClaimKey(app, "1:c"), ClaimKey(app*10+1, "c"))
}

func TestClaimExpires(t *testing.T) {
	m := miniredis.RunT(t)
	s, _ := newStore(t, "redis://"+m.Addr())
	require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", fp1).Outcome)
	m.FastForward(claimTTL)
	require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", fp1).Outcome)
}

func TestOneOfManyConcurrentCallbacksClaims(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		s, _ := newStore(t, url)
		outcomes := make(chan Outcome, 100)
		var wg sync.WaitGroup
		for range cap(outcomes) {
			wg.Go(func() { outcomes <- s.Claim(context.Background(), app, "c1", fp1).Outcome })
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

// roundTrips counts those of a client.
type roundTrips struct{ n int }

func (*roundTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *roundTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		r.n++
		return next(ctx, cmd)
	}
}

func (r *roundTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		r.n++
		return next(ctx, cmds)
	}
}

func TestAClaimCostsOneRoundTrip(t *testing.T) {
	s, rdb := newStore(t, "redis://"+miniredis.RunT(t).Addr())
	s.Claim(t.Context(), app, "c1", fp1) // Redis gets the script
	counted := &roundTrips{}
	rdb.AddHook(counted)
	s.Claim(t.Context(), app, "c1", fp1)
	s.Claim(t.Context(), app, "c2", fp1)
	require.Equal(t, 2, counted.n)
}

func TestOutage(t *testing.T) {
	m := miniredis.RunT(t)
	s, _ := newStore(t, "redis://"+m.Addr())
	m.SetError("LOADING Redis is loading the dataset in memory")
	for range 50 {
		c := s.Claim(t.Context(), app, "c1", fp1)
		require.Equal(t, Unavailable, c.Outcome)
		require.Empty(t, c.Fingerprint)
		s.Confirm(t.Context(), c, fp1)
		require.Error(t, Forget(t.Context(), s.guard, time.Now(), app, "c1"))
	}
	require.InDelta(t, 50, s.counted(Unavailable), 0)

	m.SetError("")
	require.Eventually(t, s.guard.Up, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", fp1).Outcome)
}

func TestRealRedisRestarts(t *testing.T) {
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	s, _ := newStore(t, r.URL())
	ctx := t.Context()
	s.Confirm(ctx, s.Claim(ctx, app, "c1", fp1), fp1)
	r.Stop()
	require.Equal(t, Unavailable, s.Claim(ctx, app, "c1", fp1).Outcome)
	r.Start()
	require.Eventually(t, s.guard.Up, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, Known, s.Claim(ctx, app, "c1", fp1).Outcome, "the append-only file kept it")
}
