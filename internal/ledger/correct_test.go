package ledger_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

var mistake = ledger.Correction{Reason: "charged by the old price", Operator: "alice"}

func entriesOf(t *testing.T, l *ledger.Ledger, callID string) []ledger.Entry {
	t.Helper()
	entries, err := l.Get(context.Background(), testApp, callID)
	require.NoError(t, err)
	return entries
}

func testReverse(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))

	reversals, inserted, err := l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	require.Len(t, reversals, 1)
	reversal := reversals[0]
	require.Equal(t, "reversal:1400000000:call-1", reversal.Key)
	require.Equal(t, ledger.KindReversal, reversal.Kind)
	require.Equal(t, first.Key, reversal.Reverses)
	require.Equal(t, "-0.10", reversal.Charge.Amount.Number())
	require.Equal(t, "takes back 0.10 USD, which charge:1400000000:call-1 charged", reversal.Charge.Steps[0].Text)
	require.Equal(t, mistake, ledger.Correction{Reason: reversal.Reason, Operator: reversal.Operator})
	require.Equal(t, first.Record, reversal.Record)
	require.Empty(t, reversal.FirstRunID, "no workflow booked it")
	require.NotEmpty(t, first.Differences)
	require.Empty(t, reversal.Differences, "no callback")

	again, inserted, err := l.Reverse(ctx, first.Key, ledger.Correction{Reason: "again", Operator: "bob"})
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, reversals, again, "the first one stays")
	require.Equal(t, []ledger.Entry{first, reversal}, entriesOf(t, l, "call-1"))
	_, live := ledger.Live(entriesOf(t, l, "call-1"))
	require.False(t, live)
}

func testReverseFreeCharge(t *testing.T, url string) {
	l := open(t, url)
	e := entry(t, "call-1", "run-1", "0.05")
	e.Record.AcceptTime, e.Record.Result = 0, "NotAnswer"
	e.Charge = rate(t, e.Record, tariffAt(t, "0.05"))
	reversals, _, err := l.Reverse(context.Background(), charge(t, l, e).Key, mistake)
	require.NoError(t, err)
	require.Equal(t, "0.00", reversals[0].Charge.Amount.Number(), "there is no negative zero")
}

func testReplace(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	dearer := rate(t, first.Record, tariffAt(t, "0.07"))

	second, inserted, err := l.Replace(ctx, first.Key, dearer, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	require.Equal(t, "reversal:1400000000:call-1", second.Reversal.Key)
	require.Equal(t, "charge.2:1400000000:call-1", second.Charge.Key)
	require.Equal(t, 2, second.Charge.Revision)
	require.Equal(t, "0.14", second.Charge.Charge.Amount.Number())
	require.Equal(t, mistake, ledger.Correction{Reason: second.Charge.Reason, Operator: second.Charge.Operator})
	require.Empty(t, second.Charge.FirstRunID)
	require.Empty(t, second.Charge.Reverses)
	require.Greater(t, second.Charge.Seq, second.Reversal.Seq)

	again, inserted, err := l.Replace(ctx, first.Key, dearer, mistake)
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, second, again)

	_, _, err = l.Replace(ctx, first.Key, rate(t, first.Record, tariffAt(t, "0.08")), mistake)
	require.ErrorAs(t, err, new(*ledger.CorrectedError))
	require.ErrorContains(t, err, "was reversed before, by alice (charged by the old price)")

	third, inserted, err := l.Replace(ctx, second.Charge.Key, rate(t, first.Record, tariffAt(t, "0.08")), mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	require.Equal(t, "reversal.2:1400000000:call-1", third.Reversal.Key)
	require.Equal(t, "charge.3:1400000000:call-1", third.Charge.Key)
	require.Equal(t, []ledger.Entry{first, second.Reversal, second.Charge, third.Reversal, third.Charge}, entriesOf(t, l, "call-1"))
	live, ok := ledger.Live(entriesOf(t, l, "call-1"))
	require.True(t, ok)
	require.Equal(t, third.Charge, live)
	requireClean(t, l)
}

// testReverseReplacedCharge: who reverses a charge wants the call to cost nothing. A
// replacement in between must not look as if it did.
func testReverseReplacedCharge(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	second, _, err := l.Replace(ctx, first.Key, rate(t, first.Record, tariffAt(t, "0.07")), mistake)
	require.NoError(t, err)
	_, _, err = l.Reverse(ctx, first.Key, mistake)
	require.ErrorAs(t, err, new(*ledger.CorrectedError))
	require.ErrorContains(t, err, "the call is now charged 0.14 USD by charge.2:1400000000:call-1")
	require.Equal(t, []ledger.Entry{first, second.Reversal, second.Charge}, entriesOf(t, l, "call-1"))

	_, inserted, err := l.Reverse(ctx, second.Charge.Key, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	earlier, inserted, err := l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err, "the call costs nothing, as it should")
	require.False(t, inserted)
	require.Equal(t, []ledger.Entry{second.Reversal}, earlier)
}

func testReplaceReversedCharge(t *testing.T, url string) {
	l := open(t, url)
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	_, _, err := l.Reverse(context.Background(), first.Key, mistake)
	require.NoError(t, err)
	_, _, err = l.Replace(context.Background(), first.Key, rate(t, first.Record, tariffAt(t, "0.07")), mistake)
	require.ErrorAs(t, err, new(*ledger.CorrectedError))
	require.Len(t, entriesOf(t, l, "call-1"), 2)
}

func testCorrectionErrors(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	_, _, err := l.Reverse(ctx, "charge:1400000000:unknown", mistake)
	require.ErrorIs(t, err, ledger.ErrNoCharge)
	_, _, err = l.Replace(ctx, "charge:1400000000:unknown", first.Charge, mistake)
	require.ErrorIs(t, err, ledger.ErrNoCharge)
	_, _, err = l.Replace(ctx, first.Key, billing.Charge{}, mistake)
	require.ErrorContains(t, err, "Charge.Amount: has no currency")
	for want, c := range map[string]ledger.Correction{"operator: is missing": {Reason: "x"}, "reason: is missing": {Operator: "x", Reason: " "}} {
		_, _, err = l.Reverse(ctx, first.Key, c)
		require.ErrorContains(t, err, want)
		_, _, err = l.Replace(ctx, first.Key, first.Charge, c)
		require.ErrorContains(t, err, want)
	}
	reversals, _, err := l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)
	_, _, err = l.Reverse(ctx, reversals[0].Key, mistake)
	require.ErrorIs(t, err, ledger.ErrNoCharge)
	require.ErrorContains(t, err, "only a charge or an adjustment can be reversed")
	_, _, err = l.Replace(ctx, reversals[0].Key, first.Charge, mistake)
	require.ErrorIs(t, err, ledger.ErrNoCharge)
	require.ErrorContains(t, err, "only a charge can be replaced")
	require.Len(t, entriesOf(t, l, "call-1"), 2)
}

// testChargeAfterCorrection: a call whose charge a person has corrected is charged
// again, whatever its sum is now: by a workflow that was reset, or did not get the answer
// to its charge, and by another workflow.
func testChargeAfterCorrection(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	for callID, correct := range map[string]func(key string) (ledger.Entry, error){
		"reversed": func(key string) (ledger.Entry, error) {
			reversals, _, err := l.Reverse(ctx, key, mistake)
			return reversals[0], err
		},
		"replaced": func(key string) (ledger.Entry, error) {
			r, _, err := l.Replace(ctx, key, rate(t, entry(t, "replaced", "run-1", "0.05").Record, tariffAt(t, "0.07")), mistake)
			return r.Charge, err
		},
	} {
		first := charge(t, l, entry(t, callID, "run-1", "0.05"))
		latest, err := correct(first.Key)
		require.NoError(t, err)
		before := entriesOf(t, l, callID)
		for _, price := range []string{"0.05", "0.07", "0.99"} {
			stored, inserted, err := l.Charge(ctx, entry(t, callID, "run-1", price))
			require.NoError(t, err, "%s, now at %s", callID, price)
			require.False(t, inserted)
			require.Equal(t, first, stored, "its own entry")
			stored, inserted, err = l.Charge(ctx, entry(t, callID, "run-2", price))
			require.NoError(t, err, "%s, now at %s", callID, price)
			require.False(t, inserted)
			require.Equal(t, latest, stored)
			require.True(t, stored.Correction())
			require.Empty(t, stored.FirstRunID)
		}
		require.Equal(t, before, entriesOf(t, l, callID))
	}
}

func testConcurrentReversals(t *testing.T, url string) {
	first := charge(t, open(t, url), entry(t, "call-1", "run-1", "0.05"))
	var inserted atomic.Int64
	var group errgroup.Group
	for range 4 {
		l := open(t, url)
		for range 5 {
			group.Go(func() error {
				_, ok, err := l.Reverse(context.Background(), first.Key, mistake)
				if ok {
					inserted.Add(1)
				}
				return err
			})
		}
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, inserted.Load())
	l := open(t, url)
	require.Len(t, entriesOf(t, l, "call-1"), 2)
	requireClean(t, l)
}

// testConcurrentCorrections reverses a charge and replaces it in two ways at once:
// one correction is booked completely, and at most one charge is in effect.
func testConcurrentCorrections(t *testing.T, url string) {
	ledgers := []*ledger.Ledger{open(t, url), open(t, url), open(t, url)}
	for i := range 20 {
		callID := "call-" + string(rune('a'+i))
		first := charge(t, ledgers[0], entry(t, callID, "run-1", "0.05"))
		var won atomic.Int64
		var group errgroup.Group
		count := func(inserted bool, err error) error {
			if err == nil && inserted {
				won.Add(1)
			}
			if errors.As(err, new(*ledger.CorrectedError)) {
				return nil
			}
			return err
		}
		var reversed bool
		group.Go(func() error {
			_, inserted, err := ledgers[0].Reverse(context.Background(), first.Key, mistake)
			reversed = err == nil
			return count(inserted, err)
		})
		for n, price := range []string{"0.07", "0.08"} {
			group.Go(func() error {
				_, inserted, err := ledgers[1+n].Replace(context.Background(), first.Key, rate(t, first.Record, tariffAt(t, price)), mistake)
				return count(inserted, err)
			})
		}
		require.NoError(t, group.Wait())
		require.EqualValues(t, 1, won.Load(), callID)
		entries := entriesOf(t, ledgers[0], callID)
		require.Contains(t, []int{2, 3}, len(entries))
		_, live := ledger.Live(entries)
		require.NotEqual(t, live, reversed, "%s: reversed without an error and charged nonetheless, or neither", callID)
	}
	requireClean(t, ledgers[0])
}
