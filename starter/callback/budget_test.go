package callback

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// deadlineHook records how long the commands to Redis may take.
type deadlineHook struct{ deadlines []time.Time }

func (*deadlineHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*deadlineHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *deadlineHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if deadline, ok := ctx.Deadline(); ok && cmd.Name() == "evalsha" {
			h.deadlines = append(h.deadlines, deadline)
		}
		return next(ctx, cmd)
	}
}

// TestRedisKeepsTheBudget has a Redis that may take longer than the answer.
func TestRedisKeepsTheBudget(t *testing.T) {
	rdb, err := redisguard.NewClient("redis://"+miniredis.RunT(t).Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	reg, logger := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	guard := redisguard.New(t.Context(), rdb, reg, logger)
	t.Cleanup(func() {
		guard.Close()
		require.NoError(t, rdb.Close())
	})
	hook := &deadlineHook{}
	rdb.AddHook(hook)
	h := New(testApps, dedupe.New(guard, dedupe.DefaultWindow, time.Now, reg), Limits{}, &fakeTemporal{started: map[string]string{}}, reg, logger)
	t.Cleanup(h.Close)

	cb, err := tencent.DecodeCallback(tencent.ParseQuery(endQuery), []byte(body))
	require.NoError(t, err)
	deadline := time.Now().Add(confirmBudget + redisBudget - time.Millisecond) // reading the body took the rest
	h.handleEndedCall(t.Context(), deadline, testApps[0], cb, nil)
	require.NotEmpty(t, hook.deadlines)
	for _, d := range hook.deadlines {
		require.False(t, d.After(deadline))
	}
}
