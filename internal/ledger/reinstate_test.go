package ledger_test

import (
	"context"
	"sync/atomic"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func testReinstate(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	_, _, err := l.Reinstate(ctx, testApp, "call-1", mistake)
	require.ErrorIs(t, err, ledger.ErrNoCharge)
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	_, _, err = l.Reinstate(ctx, testApp, "call-1", mistake)
	require.ErrorIs(t, err, ledger.ErrNotReversed)
	require.ErrorContains(t, err, "it is charged 0.10 USD by charge:1400000000:call-1")
	_, _, err = l.Reinstate(ctx, testApp, "call-1", ledger.Correction{Operator: "alice"})
	require.ErrorContains(t, err, "reason: is missing")
	reversals, _, err := l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)

	undone := ledger.Correction{Operator: "bob", Reason: "it was the right call"}
	var inserted atomic.Int64
	var group errgroup.Group
	for range 5 {
		group.Go(func() error {
			_, ok, err := l.Reinstate(ctx, testApp, "call-1", undone)
			if ok {
				inserted.Add(1)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, inserted.Load(), "once")
	entries := entriesOf(t, l, "call-1")
	require.Len(t, entries, 3)
	require.Equal(t, reversals[0], entries[1])
	again := entries[2]
	require.Equal(t, "charge.2:1400000000:call-1", again.Key)
	require.Equal(t, first.Charge, again.Charge)
	require.Equal(t, undone, ledger.Correction{Reason: again.Reason, Operator: again.Operator})
	require.Empty(t, again.FirstRunID)
	live, ok := ledger.Live(entries)
	require.True(t, ok)
	require.Equal(t, again, live)

	_, _, err = l.Reverse(ctx, again.Key, mistake)
	require.NoError(t, err)
	third, _, err := l.Reinstate(ctx, testApp, "call-1", undone)
	require.NoError(t, err)
	require.Equal(t, 3, third[0].Revision)
	requireClean(t, l)
}
