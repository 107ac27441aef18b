package presence

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/redisguard"
)

func newGuard(t *testing.T, server *miniredis.Miniredis) *redisguard.Guard {
	t.Helper()
	rdb, err := redisguard.NewClient("redis://"+server.Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	t.Cleanup(guard.Close)
	return guard
}

// TestPresence has two starters: one dies, the other one ends.
func TestPresence(t *testing.T) {
	server := miniredis.RunT(t)
	guard := newGuard(t, server)
	living, silent, err := Starters(t.Context(), guard)
	require.NoError(t, err)
	require.Zero(t, living)
	require.Empty(t, silent)

	refused := Answer{"clinic", "refused", 401}
	totals := map[Answer]int64{refused: 2, {"", "refused", 404}: 1}
	count := func() map[Answer]int64 {
		now := map[Answer]int64{}
		for answer, n := range totals {
			now[answer] = n
		}
		return now
	}
	one, two := NewStarter(guard, count), NewStarter(guard, func() map[Answer]int64 { return map[Answer]int64{refused: 5} })
	one.report(t.Context())
	two.report(t.Context())
	totals[refused] = 3
	one.report(t.Context())
	one.report(t.Context())
	living, silent, err = Starters(t.Context(), guard)
	require.NoError(t, err)
	require.Equal(t, 2, living)
	require.Empty(t, silent)
	sums, err := Answers(t.Context(), guard, time.Now(), 15*time.Minute)
	require.NoError(t, err)
	require.Equal(t, map[Answer]int64{refused: 8, {"", "refused", 404}: 1}, sums)
	sums, err = Answers(t.Context(), guard, time.Now().Add(20*time.Minute), 15*time.Minute)
	require.NoError(t, err)
	require.Empty(t, sums, "only lately")

	server.FastForward(alive) // both are silent
	two.report(t.Context())
	living, silent, err = Starters(t.Context(), guard)
	require.NoError(t, err)
	require.Equal(t, 1, living)
	require.Len(t, silent, 1)
	require.WithinDuration(t, time.Now(), silent[0], time.Minute)

	ctx, end := context.WithCancel(t.Context())
	end()
	two.Run(ctx)
	living, silent, err = Starters(t.Context(), guard)
	require.NoError(t, err)
	require.Zero(t, living)
	require.Len(t, silent, 1, "one that ended is not missed")
}

// TestReportAfterAnOutage: what was counted meanwhile is reported later.
func TestReportAfterAnOutage(t *testing.T) {
	server := miniredis.RunT(t)
	guard := newGuard(t, server)
	answer := Answer{"clinic", "started", 200}
	s := NewStarter(guard, func() map[Answer]int64 { return map[Answer]int64{answer: 7} })
	server.Close()
	s.report(t.Context())
	require.NoError(t, server.Restart())
	require.NoError(t, guard.AwaitUp(t.Context()))
	s.report(t.Context())
	sums, err := Answers(t.Context(), guard, time.Now(), time.Minute)
	require.NoError(t, err)
	require.Equal(t, map[Answer]int64{answer: 7}, sums)
}
