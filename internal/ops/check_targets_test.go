package ops

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/circuit"
	"aftercall/internal/redisguard"
)

// TestTargetsThatNeedAnOperator: check shows what a worker has found, until a
// delivery succeeds.
func TestTargetsThatNeedAnOperator(t *testing.T) {
	rdb, err := redisguard.NewClient("redis://"+miniredis.RunT(t).Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	defer rdb.Close()
	guard := redisguard.New(t.Context(), rdb, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	defer guard.Close()
	breakers := circuit.New(guard, time.Now, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	crm := breakers.For("crm", time.Hour, 4)
	denied := errors.New("answered 401 Unauthorized")
	state := func() []string {
		t.Helper()
		found, err := targetState(t.Context(), guard, "crm", time.Now())
		require.NoError(t, err)
		return found
	}
	attempt := func(err error) {
		t.Helper()
		require.Equal(t, err, crm.Do(t.Context(), func(context.Context) error { return err }, func(err error) circuit.Verdict {
			return circuit.Verdict{Failed: true, Problem: err.Error()}
		}))
	}
	require.Empty(t, state())
	attempt(denied)
	require.Len(t, state(), 1)
	require.Regexp(t, `^crm has refused deliveries since 20.*Z: answered 401 Unauthorized$`, state()[0])
	attempt(nil)
	require.Empty(t, state())
	for range circuit.FailuresToOpen {
		attempt(denied)
	}
	require.Len(t, state(), 2)
	require.Regexp(t, `^crm is held after failures by 1 workers until `, state()[1])
}
