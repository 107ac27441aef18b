package redisguard

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixture struct {
	*Guard
	reg  *prometheus.Registry
	logs *testenv.Log
}

func newGuard(t *testing.T, address string, timeout time.Duration, hooks ...redis.Hook) fixture {
	t.Helper()
	rdb, err := NewClient("redis://"+address, timeout)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	for _, hook := range hooks {
		rdb.AddHook(hook)
	}
	f := fixture{reg: prometheus.NewRegistry(), logs: &testenv.Log{}}
	f.Guard = New(t.Context(), rdb, f.reg, slog.New(slog.NewTextHandler(f.logs, nil)))
	t.Cleanup(f.Close)
	return f
}

func (f fixture) get() error {
	return f.Do(context.Background(), func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Get(ctx, "no such key").Err()
	})
}

func (f fixture) requireUp(t *testing.T, up int) {
	t.Helper()
	require.Equal(t, up == 1, f.Up())
	require.InDelta(t, up, f.value(t, "aftercall_redis_up"), 0)
}

// value is that of a gauge or a counter.
func (f fixture) value(t *testing.T, name string) float64 {
	t.Helper()
	families, err := f.reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatal("no metric ", name)
	return 0
}

func TestOutage(t *testing.T) {
	m := miniredis.RunT(t)
	f := newGuard(t, m.Addr(), PatientTimeout)
	require.NoError(t, f.get(), "redis.Nil is an answer")
	f.requireUp(t, 1)
	require.Zero(t, f.LastChange())

	m.SetError("OOM command not allowed")
	require.ErrorContains(t, f.get(), "OOM")
	f.requireUp(t, 0)
	down := f.LastChange()
	require.NotZero(t, down)
	for range 50 {
		require.ErrorIs(t, f.get(), ErrDown)
	}
	require.ErrorContains(t, f.Ping(context.Background()), "OOM", "a ping is sent during an outage too")
	require.Equal(t, 1, f.logs.Count("Redis is down"), "an outage is logged once")

	m.SetError("")
	require.Eventually(t, f.Up, 30*time.Second, 5*time.Millisecond)
	f.requireUp(t, 1)
	require.True(t, f.LastChange().After(down))
	require.NoError(t, f.get())
	require.NoError(t, f.Ping(context.Background()))
	require.Eventually(t, func() bool { return f.logs.Count("Redis is up again") == 1 }, 30*time.Second, time.Millisecond, "it is logged when it is up")
	require.InDelta(t, 1, f.value(t, "aftercall_redis_outages_total"), 0)
	require.Equal(t, 1, testutil.CollectAndCount(f.duration))
}

// TestUnreachableAtTheStart: a process that starts without Redis says so, once.
func TestUnreachableAtTheStart(t *testing.T) {
	m := miniredis.RunT(t)
	address := m.Addr()
	m.Close()
	f := newGuard(t, address, PatientTimeout)
	f.requireUp(t, 0)
	require.ErrorIs(t, f.get(), ErrDown)
	require.Equal(t, 1, f.logs.Count("Redis is down"))
	require.NoError(t, m.Restart())
	require.Eventually(t, func() bool { return f.logs.Count("Redis is up again") == 1 }, 30*time.Second, 5*time.Millisecond)
	f.requireUp(t, 1)
}

// TestCallersEndIsNoOutage has commands fail because their caller gave up.
func TestCallersEndIsNoOutage(t *testing.T) {
	f := newGuard(t, miniredis.RunT(t).Addr(), PatientTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, f.Do(ctx, func(ctx context.Context, _ redis.UniversalClient) error { return ctx.Err() }), context.Canceled)
	require.True(t, f.Up())
	require.Error(t, f.Do(context.Background(), func(context.Context, redis.UniversalClient) error { return errors.New("broken") }))
	require.False(t, f.Up())
}

func TestCommandsGetTheEarlierDeadline(t *testing.T) {
	const timeout = time.Minute
	f := newGuard(t, miniredis.RunT(t).Addr(), timeout)
	deadlineOf := func(ctx context.Context) (deadline time.Time) {
		require.NoError(t, f.Do(ctx, func(ctx context.Context, _ redis.UniversalClient) error {
			deadline, _ = ctx.Deadline()
			return nil
		}))
		return deadline
	}
	before := time.Now()
	deadline := deadlineOf(context.Background())
	require.False(t, deadline.Before(before.Add(timeout)))
	require.False(t, deadline.After(time.Now().Add(timeout)))
	for _, own := range []time.Duration{timeout / 2, 2 * timeout} {
		ctx, cancel := context.WithTimeout(context.Background(), own)
		defer cancel()
		callers, _ := ctx.Deadline()
		deadline := deadlineOf(ctx)
		require.Equal(t, own < timeout, deadline.Equal(callers))
		require.False(t, deadline.After(callers))
	}
}

// TestOutageCostsRequestsNoConnections has a server that accepts connections
// and never answers.
func TestOutageCostsRequestsNoConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var accepted sync.WaitGroup
	accepted.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); accepted.Wait() })
	f := newGuard(t, l.Addr().String(), 50*time.Millisecond)
	f.probeDelay = time.Hour // no probe within this test

	require.Error(t, f.get(), "after the timeout")
	before := f.redis.PoolStats().Misses
	for range 1000 {
		require.ErrorIs(t, f.get(), ErrDown)
	}
	require.Equal(t, before, f.redis.PoolStats().Misses)
}

func TestCloseEndsAnOutagesProbing(t *testing.T) {
	m := miniredis.RunT(t)
	f := newGuard(t, m.Addr(), PatientTimeout)
	f.probeDelay = time.Hour
	m.SetError("LOADING")
	require.Error(t, f.get())
	f.Close() // goleak would find the prober
	require.False(t, f.Up())
}

// TestConnectionsAreBack has all connections break while they are idle.
func TestConnectionsAreBack(t *testing.T) {
	m := miniredis.RunT(t)
	f := newGuard(t, m.Addr(), MaxTimeout)
	m.Close()
	require.Error(t, f.get())
	f.requireUp(t, 0)
	require.NoError(t, m.Restart())
	require.Eventually(t, f.Up, 30*time.Second, 5*time.Millisecond)
	require.EqualValues(t, serviceConnections, f.redis.PoolStats().TotalConns, "before the first command")
	require.NoError(t, f.get())
}
