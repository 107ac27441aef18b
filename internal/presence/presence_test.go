package presence

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/redisguard"
)

// noon is the time by the clock of Redis, far from this process's.
var noon = time.Date(2026, 3, 10, 12, 0, 30, 0, time.UTC)

func newServer(t *testing.T) (*miniredis.Miniredis, *redisguard.Guard) {
	t.Helper()
	server := miniredis.RunT(t)
	server.SetTime(noon)
	rdb, err := redisguard.NewClient("redis://"+server.Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(guard.Close)
	return server, guard
}

func ahead(by time.Duration) func() time.Duration { return func() time.Duration { return by } }

// TestProcesses has two starters and a worker: one starter dies, the other one ends.
func TestProcesses(t *testing.T) {
	server, guard := newServer(t)
	host, err := os.Hostname()
	require.NoError(t, err)
	processes := func(role Role) []Process {
		t.Helper()
		all, err := Processes(t.Context(), guard, role)
		require.NoError(t, err)
		return all
	}
	require.Empty(t, processes(Starter))

	one, two := NewReporter(guard, Starter, ahead(0), nil), NewReporter(guard, Starter, ahead(3*time.Second), nil)
	worker := NewReporter(guard, Worker, ahead(-10*time.Minute), nil)
	one.report(t.Context())
	server.SetTime(noon.Add(Interval))
	two.report(t.Context())
	worker.report(t.Context())
	require.ElementsMatch(t, []Process{{Role: Starter, Host: host}, {Role: Starter, Host: host, Ahead: 3 * time.Second}}, processes(Starter))
	require.Equal(t, []Process{{Role: Worker, Host: host, Ahead: -10 * time.Minute}}, processes(Worker))
	require.Equal(t, "worker on "+host, processes(Worker)[0].Name())

	server.FastForward(alive) // all are silent
	two.report(t.Context())
	require.Equal(t, []Process{{Role: Starter, Host: host, SilentSince: noon}, {Role: Starter, Host: host, Ahead: 3 * time.Second}}, processes(Starter))
	require.Equal(t, noon.Add(Interval), processes(Worker)[0].SilentSince)

	ctx, end := context.WithCancel(t.Context())
	end()
	two.Run(ctx)
	require.Equal(t, []Process{{Role: Starter, Host: host, SilentSince: noon}}, processes(Starter), "one that ended is not missed")

	server.SetTime(noon.Add(remembered + time.Minute))
	two.report(t.Context())
	require.Len(t, processes(Starter), 1, "one that has been silent for long is forgotten")
}

// TestEarlierRelease has a starter that reports neither host nor clock.
func TestEarlierRelease(t *testing.T) {
	server, guard := newServer(t)
	_, err := server.ZAdd("aftercall:starters", float64(noon.Unix()), "5e1f9d2c-1111-4222-8333-444455556666")
	require.NoError(t, err)
	require.NoError(t, server.Set("aftercall:starter:5e1f9d2c-1111-4222-8333-444455556666", "1"))
	all, err := Processes(t.Context(), guard, Starter)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.True(t, all[0].Alive())
	require.Equal(t, "starter on an unknown host", all[0].Name())
	require.Less(t, all[0].Ahead, 2*time.Second)
}

// TestAnswers: they count in the minute in which they are reported, by the clock of
// Redis, also if Redis was away before.
func TestAnswers(t *testing.T) {
	server, guard := newServer(t)
	refused, unknown := Answer{"clinic", "refused", 401}, Answer{"", "refused", 404}
	totals := map[Answer]int64{refused: 2, unknown: 1}
	one := NewReporter(guard, Starter, ahead(0), func() map[Answer]int64 { return maps.Clone(totals) })
	two := NewReporter(guard, Starter, ahead(0), func() map[Answer]int64 { return map[Answer]int64{refused: 5} })
	one.report(t.Context())
	two.report(t.Context())
	server.Close()
	totals[refused] = 3
	one.report(t.Context())
	require.NoError(t, server.Restart())
	require.NoError(t, guard.AwaitUp(t.Context()))
	server.SetTime(noon.Add(2 * time.Minute))
	one.report(t.Context())
	one.report(t.Context())
	answers := func(minutes int) []map[Answer]int64 {
		t.Helper()
		all, err := Answers(t.Context(), guard, minutes)
		require.NoError(t, err)
		return all
	}
	require.Equal(t, []map[Answer]int64{{}, {refused: 7, unknown: 1}, {}, {refused: 1}}, answers(4))
	require.Equal(t, []map[Answer]int64{{}, {refused: 1}}, answers(2))
}
