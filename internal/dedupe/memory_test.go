package dedupe

import (
	"crypto/rand"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

// TestMemoryOfACall remembers as many calls as end within a Period at 3.5 calls a second,
// and counts everything that Redis needs for them.
func TestMemoryOfACall(t *testing.T) {
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	_, rdb := newStore(t, r.URL())
	ctx := t.Context()
	require.NoError(t, rdb.ConfigSet(ctx, "appendonly", "no").Err()) // its buffers are not what calls need
	now, fingerprint := time.Now(), make([]byte, 16)
	confirm := func(calls int) {
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range calls {
				_, _ = rand.Read(fingerprint) // never fails
				require.NoError(t, remember(ctx, p, placeOf(now, DefaultWindow, app, uuid.NewString()), string(fingerprint)))
			}
			return nil
		})
		require.NoError(t, err)
	}
	require.NoError(t, remember(ctx, rdb, placeOf(now, DefaultWindow, app, "c1"), string(fingerprint))) // Redis gets the script
	const calls, atOnce = 100_000, 1000
	confirm(atOnce)
	require.NoError(t, rdb.FlushAll(ctx).Err())
	before := usedMemory(t, rdb)
	for range calls / atOnce {
		confirm(atOnce)
	}
	bytes := (usedMemory(t, rdb) - before) / calls
	t.Log(bytes, "bytes a call")
	require.Greater(t, bytes, int64(32), "the hashes alone")
	require.LessOrEqual(t, bytes, int64(60), "docs/scaling.md has the figure")
}

func usedMemory(t *testing.T, rdb *redis.Client) int64 {
	t.Helper()
	info, err := rdb.InfoMap(t.Context(), "memory").Result()
	require.NoError(t, err)
	n, err := strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
	require.NoError(t, err)
	return n
}
