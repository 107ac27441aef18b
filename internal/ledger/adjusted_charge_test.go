package ledger_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

// testReverseAdjustedCharge: a reversed call costs nothing, and taking that back gives
// what it cost before.
func testReverseAdjustedCharge(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	undone := adjust(t, l, "call-1", 1, "0.03")
	credit := adjust(t, l, "call-1", 2, "-0.12")
	adjust(t, l, "call-1", 3, "0.50")
	forced := mistake
	forced.Force = true
	// With the same operator and reason as the reversal of the call that follows.
	_, _, err := l.Reverse(ctx, undone.Key, forced)
	require.NoError(t, err)

	reversals, inserted, err := l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	var keys []string
	for _, r := range reversals {
		keys = append(keys, r.Key)
		require.Equal(t, mistake, ledger.Correction{Reason: r.Reason, Operator: r.Operator})
	}
	require.Equal(t, []string{"reversal:1400000000:call-1", "adjustment-reversal.2:1400000000:call-1", "adjustment-reversal.3:1400000000:call-1"}, keys)
	requireSum(t, l, "call-1", "0.00 USD")
	again, inserted, err := l.Reverse(ctx, first.Key, goodwill)
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, reversals, again, "of all, the targets may not be notified yet")
	alone, _, err := l.Reverse(ctx, credit.Key, goodwill)
	require.NoError(t, err)
	require.Equal(t, reversals[1:2], alone)
	requireClean(t, l)

	booked, inserted, err := l.Reinstate(ctx, testApp, "call-1", goodwill)
	require.NoError(t, err)
	require.True(t, inserted)
	keys = nil
	for _, e := range booked {
		keys = append(keys, e.Key+" "+e.Charge.Amount.String())
	}
	require.Equal(t, []string{
		"charge.2:1400000000:call-1 0.10 USD", "adjustment.4:1400000000:call-1 0.50 USD", "adjustment.5:1400000000:call-1 -0.12 USD",
	}, keys, "without what was reversed before, and surcharges first")
	requireSum(t, l, "call-1", "0.48 USD")
	again, inserted, err = l.Reinstate(ctx, testApp, "call-1", goodwill)
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, booked, again)
	requireClean(t, l)
}

// testReverseAllOrNothing: if the reversal of an adjustment fails, that of the charge
// before it is not booked, either.
func testReverseAllOrNothing(t *testing.T, url string) {
	l := open(t, url)
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	adjust(t, l, "call-1", 1, "-0.04")
	// Another entry has the key.
	execute(t, openSQL(t, url), strings.NewReplacer("SELECT sdk_app_id, app, call_id", "SELECT sdk_app_id, app, 'call-2'",
		"FROM", "'adjustment-reversal:1400000000:call-1', 'charge', 1, NULL, '0.10', 'r', 'o', steps FROM").Replace(copyAs))
	before := entriesOf(t, l, "call-1")
	_, _, err := l.Reverse(context.Background(), first.Key, mistake)
	require.ErrorContains(t, err, "adjustment-reversal:1400000000:call-1 was booked meanwhile: look at the call again")
	require.Equal(t, before, entriesOf(t, l, "call-1"))
	requireSum(t, l, "call-1", "0.06 USD")
}

func testReplaceAdjustedCharge(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	credit := adjust(t, l, "call-1", 1, "-0.09")
	cheap := rate(t, first.Record, tariffAt(t, "0.04"))
	_, _, err := l.Replace(ctx, first.Key, cheap, mistake)
	require.ErrorAs(t, err, new(*ledger.BelowZeroError))
	require.ErrorContains(t, err, "the call costs 0.01 USD, and would cost -0.01 USD")
	yen := tariffAt(t, "10")
	yen.Currency = "JPY"
	_, _, err = l.Replace(ctx, first.Key, rate(t, first.Record, yen), mistake)
	require.ErrorAs(t, err, new(*ledger.AdjustmentError))
	require.ErrorContains(t, err, "the call has adjustments in USD, and would be charged in JPY: reverse them first")
	require.Len(t, entriesOf(t, l, "call-1"), 2)

	second, inserted, err := l.Replace(ctx, first.Key, rate(t, first.Record, tariffAt(t, "0.07")), mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	requireSum(t, l, "call-1", "0.05 USD")
	requireClean(t, l)
	_, _, err = l.Reverse(ctx, credit.Key, mistake)
	require.NoError(t, err)
	_, _, err = l.Replace(ctx, second.Charge.Key, cheap, mistake)
	require.NoError(t, err)
	requireSum(t, l, "call-1", "0.08 USD")
	requireClean(t, l)
}

// testChargeAfterAdjustment: a workflow that was reset, or whose attempt got no answer,
// charges its call again.
func testChargeAfterAdjustment(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	credit := adjust(t, l, "call-1", 1, "-0.01")
	for run, price := range map[string]string{"run-1": "0.07", "run-2": "0.05"} {
		stored, inserted, err := l.Charge(ctx, entry(t, "call-1", run, price))
		require.NoError(t, err)
		require.False(t, inserted)
		require.Equal(t, first, stored, "its charge is as it was")
	}
	stored, _, err := l.Charge(ctx, entry(t, "call-1", "run-2", "0.07"))
	require.NoError(t, err)
	require.Equal(t, credit, stored, "a person has decided what the call costs")
}
