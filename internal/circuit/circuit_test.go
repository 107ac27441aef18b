package circuit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/redisguard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errDown    = errors.New("connection refused")
	errRefused = errors.New("gone")
)

func isDown(err error) bool { return errors.Is(err, errDown) }

// judgeDown is the verdict of targets that have no problem for an operator.
func judgeDown(err error) Verdict { return Verdict{Failed: isDown(err)} }

// newBreakers returns the breakers of a process that has a Redis.
func newBreakers(t *testing.T, rdb *miniredis.Miniredis) *Breakers {
	t.Helper()
	client, err := redisguard.NewClient("redis://"+rdb.Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return withClient(t, client, slog.New(slog.DiscardHandler))
}

// withoutRedis returns the breakers of a process whose Redis refuses
// connections. It is for tests whose clock is that of synctest.
func withoutRedis(t *testing.T, logger *slog.Logger) *Breakers {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() {
		// The client dials again every second until it sees that it is closed.
		time.Sleep(2 * time.Second) //nolint:forbidigo // the clock of the bubble
	})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return withClient(t, client, logger)
}

func withClient(t *testing.T, client *redis.Client, logger *slog.Logger) *Breakers {
	t.Helper()
	guard := redisguard.New(t.Context(), client, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(guard.Close)
	return New(guard, time.Now, prometheus.NewRegistry(), logger)
}

// attempt makes a request that ends with err, and returns why it was held, nil
// if it was made.
func attempt(t *testing.T, b *Breaker, err error) *HeldError {
	t.Helper()
	made := false
	got := b.Do(t.Context(), func(context.Context) error {
		made = true
		return err
	}, judgeDown)
	if made {
		require.Equal(t, err, got)
		return nil
	}
	var held *HeldError
	require.ErrorAs(t, got, &held)
	return held
}

func requireMade(t *testing.T, b *Breaker, err error, because string) {
	t.Helper()
	require.Nil(t, attempt(t, b, err), because)
}

func requireHeld(t *testing.T, b *Breaker, because string) *HeldError {
	t.Helper()
	held := attempt(t, b, nil)
	require.NotNil(t, held, because)
	return held
}

func open(t *testing.T, b *Breaker) {
	t.Helper()
	for range FailuresToOpen {
		requireMade(t, b, errDown, "closed")
	}
}

func TestFailuresInARowOpenABreaker(t *testing.T) {
	all := newBreakers(t, miniredis.RunT(t))
	crm, audit := all.For("crm", time.Hour, 4), all.For("audit", time.Hour, 4)
	for range 3 {
		for range FailuresToOpen - 1 {
			requireMade(t, crm, errDown, "too few")
		}
		requireMade(t, crm, nil, "failures must be in a row")
	}
	for range 2 * FailuresToOpen {
		requireMade(t, crm, errRefused, "a refusal is a response")
	}
	open(t, crm)
	held := requireHeld(t, crm, "open")
	require.Equal(t, "circuit breaker of crm is open: 5 requests in a row have failed", held.Error())
	require.InDelta(t, time.Hour, held.For, float64(10*time.Minute), "until the next test")
	requireMade(t, audit, nil, "each receiver has its own")
	require.InDelta(t, 1, testutil.ToFloat64(all.open.WithLabelValues("crm")), 0)
	require.InDelta(t, 0, testutil.ToFloat64(all.open.WithLabelValues("audit")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(all.held.WithLabelValues("crm", "paused")), 0)
}

func TestOneRequestTestsAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		all := withoutRedis(t, slog.New(slog.NewTextHandler(&log, nil)))
		b := all.For("crm", time.Minute, 4)
		open(t, b)
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("circuit breaker open")))
		time.Sleep(59 * time.Second) //nolint:forbidigo // the clock of the bubble
		require.Equal(t, time.Second, requireHeld(t, b, "the cooldown is not over").For)
		time.Sleep(time.Second + 1) //nolint:forbidigo // the clock of the bubble
		requireMade(t, b, errDown, "a test, which fails")
		require.Equal(t, time.Minute, requireHeld(t, b, "open again").For)
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("circuit breaker open")), "not logged again")

		time.Sleep(time.Minute + 1) //nolint:forbidigo // the clock of the bubble
		release, started := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			err := b.Do(t.Context(), func(context.Context) error {
				close(started)
				<-release
				return nil
			}, judgeDown)
			require.NoError(t, err) //nolint:testifylint // ends the test all the same
		})
		<-started
		require.Equal(t, minHold, requireHeld(t, b, "one test at a time").For)
		require.InDelta(t, 1, testutil.ToFloat64(all.open.WithLabelValues("crm")), 0)
		close(release)
		wg.Wait()
		for range 3 {
			requireMade(t, b, nil, "closed")
		}
		require.InDelta(t, 0, testutil.ToFloat64(all.open.WithLabelValues("crm")), 0)
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("circuit breaker closed")))
	})
}

func TestACancelledAttemptDoesNotCount(t *testing.T) {
	b := newBreakers(t, miniredis.RunT(t)).For("slow", time.Hour, 4)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cancelled := func() {
		require.ErrorIs(t, b.Do(ctx, func(context.Context) error { return errDown }, judgeDown), errDown)
	}
	for range 2 * FailuresToOpen {
		cancelled()
	}
	for range FailuresToOpen - 1 {
		requireMade(t, b, errDown, "none of the cancelled ones counts as a failure")
	}
	cancelled()
	requireMade(t, b, errDown, "nor as a success")
	_ = requireHeld(t, b, "open")
}

func TestASlowReceiverHasNoMoreThanItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := withoutRedis(t, slog.New(slog.DiscardHandler))
		b := all.For("slow", time.Hour, 2)
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_ = b.Do(t.Context(), func(context.Context) error {
					<-release
					return nil
				}, judgeDown)
			})
		}
		synctest.Wait()
		begin := time.Now()
		held := requireHeld(t, b, "no slot is free")
		require.Equal(t, "slow has 2 requests under way", held.Error())
		require.Equal(t, minHold, held.For)
		require.Equal(t, slotTimeout, time.Since(begin))
		require.InDelta(t, 1, testutil.ToFloat64(all.held.WithLabelValues("slow", "busy")), 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, b.Do(ctx, func(context.Context) error { return nil }, judgeDown), context.Canceled)

		waiting := make(chan error)
		go func() {
			waiting <- b.Do(t.Context(), func(context.Context) error { return nil }, judgeDown)
		}()
		synctest.Wait()
		close(release)
		require.NoError(t, <-waiting, "a slot became free in time")
		wg.Wait()
		requireMade(t, b, nil, "busy is no failure")
	})
}

func TestASlowReceiverIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := withoutRedis(t, slog.New(slog.DiscardHandler)).For("mail", time.Hour, 4)
		takes := func(d time.Duration) {
			require.NoError(t, b.Do(t.Context(), func(context.Context) error {
				time.Sleep(d) //nolint:forbidigo // the clock of the bubble
				return nil
			}, judgeDown))
		}
		takes(slowAfter - 1)
		require.False(t, b.Slow(), "quick enough")

		var wg sync.WaitGroup
		wg.Go(func() { takes(10 * time.Second) })
		time.Sleep(slowAfter + 1) //nolint:forbidigo // the clock of the bubble
		synctest.Wait()
		require.True(t, b.Slow(), "while the request is under way")
		wg.Wait()
		takes(0)
		require.True(t, b.Slow(), "one quick answer is not enough")
		time.Sleep(slowFor - 1) //nolint:forbidigo // the clock of the bubble
		require.True(t, b.Slow(), "counted from the end of the slow request")
		time.Sleep(2 * time.Nanosecond) //nolint:forbidigo // the clock of the bubble
		require.False(t, b.Slow(), "a minute without a slow request")
	})
}
