package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
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

func testHeldWindow(t *testing.T, url string) {
	l := open(t, url)
	from := time.Date(2026, time.March, 1, 12, 0, 40, 0, time.UTC)
	window := ledger.HeldWindow(from, from.Add(time.Second))
	require.NotEqual(t, window.Key, ledger.HeldWindow(from, from).Key)
	window.Reason = "CallRecordList: must be a list"
	require.NoError(t, l.HoldBack(t.Context(), testApp, window))
	require.NoError(t, l.HoldBack(t.Context(), testApp, ledger.Held{Key: ledger.HeldRowKey("1"), Item: window.Item, Reason: "looks like a window"}))
	held, err := l.HeldBack(t.Context(), testApp)
	require.NoError(t, err)
	require.Len(t, held, 2)
	windows := 0
	for _, h := range held {
		if gotFrom, to, ok := h.Window(); ok {
			windows++
			require.Equal(t, from, gotFrom)
			require.Equal(t, from.Add(time.Second), to)
		}
	}
	require.Equal(t, 1, windows, "only the key says what is a window: an item is what Tencent sent")
}

func testDismiss(t *testing.T, url string) {
	l := open(t, url)
	ctx := t.Context()
	row := ledger.Held{Key: ledger.HeldRowKey("1"), CallID: "c1", Reason: "is not an object", Item: `[1]`}
	other := ledger.Held{Key: ledger.HeldRowKey("2"), Reason: "is not an object"}
	require.NoError(t, l.HoldBack(ctx, testApp, row))
	require.NoError(t, l.HoldBack(ctx, testApp, other))
	require.NoError(t, l.HoldBack(ctx, testApp+1, row))

	require.Error(t, l.Dismiss(ctx, testApp, row.Key, ledger.Correction{Reason: "billed by hand"}), "who?")
	require.ErrorIs(t, l.Dismiss(ctx, testApp, ledger.HeldRowKey("3"), ledger.Correction{Operator: "alice", Reason: "billed by hand"}), ledger.ErrNotHeld)
	require.NoError(t, l.Dismiss(ctx, testApp, row.Key, ledger.Correction{Operator: "alice", Reason: "billed by hand\x00"}))
	require.ErrorIs(t, l.Dismiss(ctx, testApp, row.Key, ledger.Correction{Operator: "bob", Reason: "again"}), ledger.ErrNotHeld)

	require.NoError(t, l.HoldBack(ctx, testApp, row), "a sweep that found it before it was dismissed")
	held, err := l.HeldBack(ctx, testApp)
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.Equal(t, other.Key, held[0].Key)
	require.Nil(t, held[0].Dismissed)
	for app, want := range map[tencent.SDKAppID]int{testApp: 1, testApp + 1: 1, testApp + 2: 0} {
		n, err := l.CountHeldBack(ctx, app)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}

	dismissed, err := l.Dismissed(ctx, testApp)
	require.NoError(t, err)
	require.Len(t, dismissed, 1)
	require.Equal(t, row.Key, dismissed[0].Key)
	require.Equal(t, "c1", dismissed[0].CallID)
	require.Equal(t, `[1]`, dismissed[0].Item)
	require.Equal(t, 1, dismissed[0].Attempts)
	require.Equal(t, "alice", dismissed[0].Dismissed.By)
	require.Equal(t, "billed by hand\uFFFD", dismissed[0].Dismissed.Reason)
	require.WithinDuration(t, time.Now(), dismissed[0].Dismissed.At, time.Minute)
	dismissed, err = l.Dismissed(ctx, testApp+1)
	require.NoError(t, err)
	require.Empty(t, dismissed, "apps do not share it")
}
