package circuit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/redisguard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errDown    = errors.New("connection refused")
	errRefused = errors.New("gone")
)

const soon = 10 * time.Second

func isDown(err error) bool { return errors.Is(err, errDown) }

func newCircuits(t *testing.T, rdb *miniredis.Miniredis) *Circuits {
	t.Helper()
	client, err := redisguard.NewClient("redis://"+rdb.Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	guard := redisguard.New(t.Context(), client, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(guard.Close)
	return New(guard, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
}

// do makes a request that ends with err, and says whether it was made.
func do(t *testing.T, c *Circuit, err error) (made bool) {
	t.Helper()
	got := c.Do(t.Context(), func(context.Context) error {
		made = true
		return err
	}, isDown)
	if made {
		require.Equal(t, err, got)
		return true
	}
	var held *HeldError
	require.ErrorAs(t, got, &held)
	require.Positive(t, held.For)
	return false
}

func open(t *testing.T, c *Circuit) {
	t.Helper()
	for range FailuresToPause {
		require.True(t, do(t, c, errDown))
	}
	require.False(t, do(t, c, nil), "paused")
}

func TestATargetThatKeepsFailingIsPaused(t *testing.T) {
	all := newCircuits(t, miniredis.RunT(t))
	c, other := all.For("crm", time.Hour, 4), all.For("audit", time.Hour, 4)
	for range 3 {
		for range FailuresToPause - 1 {
			require.True(t, do(t, c, errDown))
		}
		require.True(t, do(t, c, nil), "failures must be in a row")
	}
	for range 2 * FailuresToPause {
		require.True(t, do(t, c, errRefused), "a refusal is an answer")
	}
	open(t, c)
	require.True(t, do(t, other, nil), "others are not paused")
	require.InDelta(t, 1, testutil.ToFloat64(all.paused.WithLabelValues("crm")), 0)
	require.InDelta(t, 0, testutil.ToFloat64(all.paused.WithLabelValues("audit")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(all.held.WithLabelValues("crm", "paused")), 0)

	pauses, err := Paused(t.Context(), all.guard, "crm", time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, pauses.Processes)
	require.WithinDuration(t, time.Now().Add(time.Hour), pauses.Until, time.Minute)
	pauses, err = Paused(t.Context(), all.guard, "crm", time.Now().Add(2*time.Hour))
	require.NoError(t, err)
	require.Zero(t, pauses, "a process that is gone pauses nobody")
	pauses, err = Paused(t.Context(), all.guard, "audit", time.Now())
	require.NoError(t, err)
	require.Zero(t, pauses)
}

func TestOneRequestTestsAPausedTarget(t *testing.T) {
	all := newCircuits(t, miniredis.RunT(t))
	c := all.For("crm", 20*time.Millisecond, 4)
	open(t, c)
	probe := func(err error) {
		require.Eventually(t, func() bool { return do(t, c, err) }, soon, time.Millisecond)
	}
	probe(errDown)
	require.False(t, do(t, c, nil), "still failing: paused again")

	release, started := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	require.Eventually(t, func() bool { return c.breaker.State().String() == "half-open" }, soon, time.Millisecond)
	wg.Go(func() {
		err := c.Do(t.Context(), func(context.Context) error {
			close(started)
			<-release
			return nil
		}, isDown)
		require.NoError(t, err) //nolint:testifylint // ends the test all the same
	})
	<-started
	require.False(t, do(t, c, nil), "one at a time")
	close(release)
	wg.Wait()
	for range 3 {
		require.True(t, do(t, c, nil), "it answers again")
	}
	require.InDelta(t, 0, testutil.ToFloat64(all.paused.WithLabelValues("crm")), 0)
	pauses, err := Paused(t.Context(), all.guard, "crm", time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, pauses)
}

// TestABrokenOffAttemptIsNoVerdict: a first try within a workflow task is short.
func TestABrokenOffAttemptIsNoVerdict(t *testing.T) {
	c := newCircuits(t, miniredis.RunT(t)).For("slow", time.Hour, 4)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 * FailuresToPause {
		require.ErrorIs(t, c.Do(ctx, func(context.Context) error { return errDown }, isDown), errDown)
	}
	require.True(t, do(t, c, nil))
}

func TestASlowTargetHasNoMoreThanItsSlots(t *testing.T) {
	all := newCircuits(t, miniredis.RunT(t))
	c := all.For("slow", time.Hour, 2)
	release, started := make(chan struct{}), make(chan struct{}, 2)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			_ = c.Do(t.Context(), func(context.Context) error {
				started <- struct{}{}
				<-release
				return nil
			}, isDown)
		})
	}
	<-started
	<-started
	require.False(t, do(t, c, nil))
	require.InDelta(t, 1, testutil.ToFloat64(all.held.WithLabelValues("slow", "busy")), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Do(ctx, func(context.Context) error { return nil }, isDown), context.Canceled)
	close(release)
	wg.Wait()
	require.True(t, do(t, c, nil), "being busy is no failure")
}

func TestWithoutRedis(t *testing.T) {
	rdb := miniredis.RunT(t)
	c := newCircuits(t, rdb).For("crm", time.Hour, 4)
	rdb.Close()
	open(t, c)
	_, err := Paused(t.Context(), c.all.guard, "crm", time.Now())
	require.Error(t, err, "nobody knows")
}
