package ratelimit_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/tencentsim"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

const app = 1400000000

// newProcess returns the limiter of another process.
func newProcess(t *testing.T, url string) *ratelimit.Limiter {
	t.Helper()
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout)
	require.NoError(t, err)
	reg := prometheus.NewRegistry()
	guard := redisguard.New(t.Context(), rdb, reg, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		guard.Close()
		require.NoError(t, rdb.Close())
	})
	return ratelimit.New(guard, reg)
}

func onEveryRedis(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		test(t, "redis://"+miniredis.RunT(t).Addr())
	})
	t.Run("redis-server", func(t *testing.T) {
		t.Parallel()
		if r, ok := testenv.StartRedis(t); ok {
			test(t, r.URL())
		}
	})
}

// TestProcessesShareTheLimit has three processes call two APIs of a simulated
// Tencent, which counts the requests.
func TestProcessesShareTheLimit(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url string) {
		sim, err := tencentsim.New(t.Context(), tencentsim.Options{Apps: []tencentsim.App{{
			SDKAppID: app, SecretKey: "0000000000000000000000000000000000000000000000000000000000000001",
		}}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, sim.Close()) })
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		const processes, inParallel, each = 3, 20, 8
		var group errgroup.Group
		for range processes {
			client := tencent.NewClient(tencent.ClientOptions{
				SDKAppID: app, BaseURL: server.URL, Identifier: "administrator",
				SecretKey: "0000000000000000000000000000000000000000000000000000000000000001",
				HTTP:      tencent.NewHTTPClient(inParallel), Limiter: newProcess(t, url),
			})
			for worker := range inParallel {
				group.Go(func() error {
					for range each {
						var err error
						if worker%2 == 0 {
							_, err = client.Callback(t.Context())
						} else {
							_, err = client.Records(t.Context(), tencent.RecordFilter{StartTime: 1, EndTime: 2, Page: 1, NumberPerPage: 10})
						}
						var apiErr *tencent.APIError
						if err != nil && !errors.As(err, &apiErr) {
							return err
						}
					}
					return nil
				})
			}
		}
		require.NoError(t, group.Wait())
		requests := 0
		for _, api := range sim.Stats().APIs {
			requests += api.Requests
			require.Empty(t, api.Codes[60018]+api.Codes[60007]+api.Codes[60011]+api.Codes[60019], "nothing was throttled")
		}
		require.Equal(t, processes*inParallel*each, requests)
		require.LessOrEqual(t, sim.Stats().MaxReceivedPerSecond[app], tencent.MaxRequestsPerSecond)
	})
}

// TestRedisGoesDown checks the share of a process while Redis is down, and that
// none of it is used within a second of the shared limit.
func TestRedisGoesDown(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	l := newProcess(t, "redis://"+m.Addr())
	require.NoError(t, l.Wait(t.Context(), app))
	m.SetError("LOADING Redis is loading the dataset in memory")
	start := time.Now()
	require.NoError(t, l.Wait(t.Context(), app))
	require.GreaterOrEqual(t, time.Since(start), 900*time.Millisecond)
	start = time.Now()
	for range 12 {
		require.NoError(t, l.Wait(t.Context(), app))
	}
	require.GreaterOrEqual(t, time.Since(start), 450*time.Millisecond, "at most 23 a second")
}

// TestPauseStopsAllProcesses needs a Redis whose keys expire by themselves.
func TestPauseStopsAllProcesses(t *testing.T) {
	t.Parallel()
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	first, second := newProcess(t, r.URL()), newProcess(t, r.URL())
	first.Pause(t.Context(), app, time.Minute)
	for _, l := range []*ratelimit.Limiter{first, second} {
		short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var busy *tencent.BusyError
		require.ErrorAs(t, l.Wait(short, app), &busy)
		require.NoError(t, short.Err(), "a wait that would be too long ends at once")
		cancel()
		require.Greater(t, busy.RetryAfter, 10*time.Second)
		require.LessOrEqual(t, busy.RetryAfter, time.Minute)
	}
	start := time.Now()
	first.Pause(t.Context(), app+1, 0)
	require.NoError(t, second.Wait(t.Context(), app+1), "another app has a pause of its own")
	require.GreaterOrEqual(t, time.Since(start), 900*time.Millisecond, "a second if Tencent names no delay")
}

func TestCancelled(t *testing.T) {
	l := newProcess(t, "redis://"+miniredis.RunT(t).Addr())
	l.Pause(t.Context(), app, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Wait(ctx, app), context.Canceled)
}

// TestRedisThatIsFarAway counts what the limiter asks of it: as many tokens in a
// round trip as there are requests waiting.
func TestRedisThatIsFarAway(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	l := newProcess(t, "redis://"+testenv.SlowProxy(t, m.Addr(), 100*time.Millisecond))
	require.NoError(t, l.Wait(t.Context(), app), "the script is loaded")
	const requests = 150 // a busy machine begins them late, so that not all share one
	before := m.CommandCount()
	var group errgroup.Group
	for range requests {
		group.Go(func() error { return l.Wait(t.Context(), app) })
	}
	require.NoError(t, group.Wait())
	require.Less(t, m.CommandCount()-before, requests, "two commands for each round trip")
}
