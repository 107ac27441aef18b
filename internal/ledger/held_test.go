package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

func testHeldBack(t *testing.T, url string) {
	l := open(t, url)
	ctx := t.Context()
	long := strings.Repeat("通", 1000)
	h := ledger.Held{Key: ledger.HeldCallKey(long), CallID: long, Reason: "too long\x00\xff", Item: strings.Repeat("x", 100_000)}
	row := ledger.Held{Key: ledger.HeldRowKey(`[1]`), Reason: "is not an object", Item: `[1]`}
	require.NotEqual(t, ledger.HeldCallKey("a"), ledger.HeldRowKey("a"))

	require.NoError(t, l.HoldBack(ctx, testApp, h))
	var distances []time.Duration
	for range 9 {
		held, err := l.HeldBack(ctx, testApp)
		require.NoError(t, err)
		require.Len(t, held, 1)
		distances = append(distances, held[0].NextAttemptAt.Sub(held[0].LastAttemptAt))
		require.Equal(t, len(distances), held[0].Attempts)
		require.NoError(t, l.HoldBack(ctx, testApp, h))
	}
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	require.Equal(t, []time.Duration{
		minutes(5), minutes(10), minutes(20), minutes(40), minutes(80), minutes(160), minutes(320), minutes(360), minutes(360),
	}, distances)

	require.NoError(t, l.HoldBack(ctx, testApp, row))
	require.NoError(t, l.HoldBack(ctx, testApp+1, row), "apps do not share it")
	held, err := l.HeldBack(ctx, testApp)
	require.NoError(t, err)
	require.Len(t, held, 2)
	require.Equal(t, h.Key, held[0].Key, "the oldest first")
	require.WithinDuration(t, time.Now(), held[0].Since, time.Minute)
	require.True(t, strings.HasPrefix(long, strings.TrimSuffix(held[0].CallID, "…")), "capped between characters")
	require.Less(t, len(held[0].CallID), 2100)
	require.Less(t, len(held[0].Item), 17_000)
	require.Equal(t, "too long\uFFFD\uFFFD", held[0].Reason)
	require.Equal(t, row.Item, held[1].Item)

	require.NoError(t, l.Release(ctx, testApp, h.Key))
	require.NoError(t, l.Release(ctx, testApp, h.Key), "there is nothing any more")
	held, err = l.HeldBack(ctx, testApp)
	require.NoError(t, err)
	require.Len(t, held, 1)
}
