package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/ledger"
)

var goodwill = ledger.Correction{Reason: "the picture froze", Operator: "bob"}

func usd(t testing.TB, number string) currency.Amount {
	t.Helper()
	amount, err := currency.NewAmount(number, "USD")
	require.NoError(t, err)
	return amount
}

// adjust books an adjustment.
func adjust(t testing.TB, l *ledger.Ledger, callID string, number int, amount string) ledger.Entry {
	t.Helper()
	stored, inserted, err := l.Adjust(context.Background(), testApp, callID, ledger.Adjustment{Amount: usd(t, amount), Number: number, Correction: goodwill})
	require.NoError(t, err)
	require.True(t, inserted)
	return stored
}

// requireSum checks what a call costs.
func requireSum(t *testing.T, l *ledger.Ledger, callID, want string) {
	t.Helper()
	sum, err := ledger.BalanceOf(entriesOf(t, l, callID)).Sum()
	require.NoError(t, err)
	require.Equal(t, want, sum.String())
}

func testAdjust(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call:1", "run-1", "0.05"))
	credit := adjust(t, l, "call:1", 1, "-0.1")
	require.Equal(t, "adjustment:1400000000:call:1", credit.Key)
	require.Equal(t, ledger.KindAdjustment, credit.Kind)
	require.Equal(t, "-0.10 USD", credit.Charge.Amount.String(), "with the digits of the charge")
	require.Equal(t, "the call costs 0.10 USD without it, and 0.00 USD with it", credit.Charge.Steps[0].Text)
	require.Equal(t, goodwill, ledger.Correction{Reason: credit.Reason, Operator: credit.Operator})
	require.Zero(t, credit.Charge.ConnectedSeconds+credit.Charge.BilledSeconds)
	require.Equal(t, first.Record, credit.Record)
	require.Empty(t, credit.FirstRunID+credit.Reverses)
	require.Empty(t, credit.Differences)
	require.True(t, credit.Correction())
	surcharge := adjust(t, l, "call:1", 2, "1.25")
	require.Equal(t, "adjustment.2:1400000000:call:1", surcharge.Key)
	requireSum(t, l, "call:1", "1.25 USD")

	reversals, inserted, err := l.Reverse(ctx, surcharge.Key, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	require.Len(t, reversals, 1)
	require.Equal(t, "adjustment-reversal.2:1400000000:call:1", reversals[0].Key)
	require.Equal(t, "-1.25 USD", reversals[0].Charge.Amount.String())
	require.Equal(t, "takes back adjustment.2:1400000000:call:1, which was 1.25 USD", reversals[0].Charge.Steps[0].Text)
	again, inserted, err := l.Reverse(ctx, surcharge.Key, goodwill)
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, reversals, again)
	requireSum(t, l, "call:1", "0.00 USD")
	live, charged := ledger.Live(entriesOf(t, l, "call:1"))
	require.True(t, charged)
	require.Equal(t, first, live, "the charge is as it was")
	requireClean(t, l)
}

// testAdjustOnce: a repetition books nothing, whatever happened since.
func testAdjustOnce(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	credit := adjust(t, l, "call-1", 1, "-0.02")
	repeat := ledger.Adjustment{Amount: usd(t, "-0.020"), Number: 1, Correction: goodwill}
	for range 2 {
		stored, inserted, err := l.Adjust(ctx, testApp, "call-1", repeat)
		require.NoError(t, err)
		require.False(t, inserted)
		require.Equal(t, credit, stored)
		_, _, err = l.Reverse(ctx, credit.Key, mistake)
		require.NoError(t, err)
	}
	require.Len(t, entriesOf(t, l, "call-1"), 3)
	for _, other := range []ledger.Adjustment{
		{Amount: usd(t, "-0.03"), Number: 1, Correction: goodwill},
		{Amount: usd(t, "-0.02"), Number: 1, Correction: ledger.Correction{Reason: goodwill.Reason, Operator: "alice"}},
		{Amount: usd(t, "-0.02"), Number: 1, Correction: ledger.Correction{Reason: "another", Operator: goodwill.Operator}},
	} {
		_, _, err := l.Adjust(ctx, testApp, "call-1", other)
		require.ErrorAs(t, err, new(*ledger.NumberError))
		require.ErrorContains(t, err, "the adjustment 1 of the call is another one, of -0.02 USD by bob (the picture froze)")
	}
	_, _, err := l.Adjust(ctx, testApp, "call-1", ledger.Adjustment{Amount: usd(t, "-0.02"), Number: 3, Correction: goodwill})
	require.ErrorAs(t, err, new(*ledger.NumberError))
	require.ErrorContains(t, err, "the next adjustment of the call has the number 2, not 3")
	adjust(t, l, "call-1", 2, "-0.02")
	requireSum(t, l, "call-1", "0.08 USD")
	requireClean(t, l)
}

func testAdjustErrors(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	yen, err := currency.NewAmount("-1", "JPY")
	require.NoError(t, err)
	for want, a := range map[string]ledger.Adjustment{
		"operator: is missing":                       {Amount: usd(t, "-0.01"), Number: 1, Correction: ledger.Correction{Reason: "x"}},
		"reason: is missing":                         {Amount: usd(t, "-0.01"), Number: 1, Correction: ledger.Correction{Operator: "x"}},
		"an adjustment of 0 changes nothing":         {Amount: usd(t, "-0.00"), Number: 1, Correction: goodwill},
		"charged in USD, not in JPY":                 {Amount: yen, Number: 1, Correction: goodwill},
		"2 digits after the point, and -0.001 has 3": {Amount: usd(t, "-0.001"), Number: 1, Correction: goodwill},
		"has the number 1, not 0":                    {Amount: usd(t, "-0.01"), Correction: goodwill},
	} {
		_, _, err := l.Adjust(ctx, testApp, "call-1", a)
		require.ErrorContains(t, err, want)
	}
	valid := ledger.Adjustment{Amount: usd(t, "-0.01"), Number: 1, Correction: goodwill}
	for _, callID := range []string{"unknown", "charge:1400000000:call-1"} {
		_, _, err = l.Adjust(ctx, testApp, callID, valid)
		require.ErrorIs(t, err, ledger.ErrNoCharge)
	}
	_, _, err = l.Adjust(ctx, testApp+1, "call-1", valid)
	require.ErrorIs(t, err, ledger.ErrNoCharge)
	_, _, err = l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)
	_, _, err = l.Adjust(ctx, testApp, "call-1", valid)
	require.ErrorIs(t, err, ledger.ErrNotCharged)
	require.Len(t, entriesOf(t, l, "call-1"), 2)
}

func testAdjustBelowZero(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	forced := goodwill
	forced.Force = true
	credit := ledger.Adjustment{Amount: usd(t, "-0.11"), Number: 1, Correction: goodwill}
	_, _, err := l.Adjust(ctx, testApp, "call-1", credit)
	require.ErrorAs(t, err, new(*ledger.BelowZeroError))
	require.ErrorContains(t, err, "the call costs 0.10 USD, and would cost -0.01 USD")
	surcharge := adjust(t, l, "call-1", 1, "1")
	credit.Number = 2
	_, _, err = l.Adjust(ctx, testApp, "call-1", credit)
	require.NoError(t, err)
	_, _, err = l.Reverse(ctx, surcharge.Key, mistake)
	require.ErrorAs(t, err, new(*ledger.BelowZeroError), "what was credited since would exceed the charge")
	requireSum(t, l, "call-1", "0.99 USD")
	requireClean(t, l)

	reversals, _, err := l.Reverse(ctx, surcharge.Key, forced)
	require.NoError(t, err)
	require.True(t, reversals[0].Charge.Forced())
	requireSum(t, l, "call-1", "-0.01 USD")
	more, _, err := l.Adjust(ctx, testApp, "call-1", ledger.Adjustment{Amount: usd(t, "-0.09"), Number: 3, Correction: forced})
	require.NoError(t, err)
	require.Equal(t, "below zero, by the decision of the operator", more.Charge.Steps[1].Text)
	up := adjust(t, l, "call-1", 4, "0.05")
	require.False(t, up.Charge.Forced(), "it is less below zero than before")
	harmless, _, err := l.Adjust(ctx, testApp, "call-1", ledger.Adjustment{Amount: usd(t, "0.15"), Number: 5, Correction: forced})
	require.NoError(t, err)
	require.False(t, harmless.Charge.Forced(), "nothing needed to be forced")
	requireSum(t, l, "call-1", "0.10 USD")
	requireClean(t, l)
}

// testConcurrentAdjustments: of what is booked at once, no number is given twice, and
// no sum goes below zero.
func testConcurrentAdjustments(t *testing.T, url string) {
	const handles, operators = 3, 4
	var ledgers []*ledger.Ledger
	for range handles {
		ledgers = append(ledgers, open(t, url))
	}
	for i := range 8 {
		callID := fmt.Sprintf("call-%d", i)
		first := charge(t, ledgers[0], entry(t, callID, "run-1", "0.05"))
		surcharge := adjust(t, ledgers[0], callID, 1, "0.05")
		var booked atomic.Int64
		var group errgroup.Group
		expected := func(err error) error {
			if errors.As(err, new(*ledger.BelowZeroError)) || errors.As(err, new(*ledger.NumberError)) ||
				errors.Is(err, ledger.ErrNotCharged) || errors.As(err, new(*ledger.CorrectedError)) {
				return nil
			}
			return err
		}
		for n := range handles * operators {
			l := ledgers[n%handles]
			group.Go(func() error {
				signed := goodwill
				signed.Operator = fmt.Sprint(n)
				_, inserted, err := l.Adjust(context.Background(), testApp, callID, ledger.Adjustment{Amount: usd(t, "-0.06"), Number: 2 + n/6, Correction: signed})
				if inserted {
					booked.Add(1)
				}
				return expected(err)
			})
		}
		group.Go(func() error {
			_, _, err := ledgers[0].Reverse(context.Background(), surcharge.Key, mistake)
			return expected(err)
		})
		group.Go(func() error {
			_, _, err := ledgers[1].Replace(context.Background(), first.Key, rate(t, first.Record, tariffAt(t, "0.03")), mistake)
			return expected(err)
		})
		if i%2 == 0 {
			group.Go(func() error {
				_, _, err := ledgers[2].Reverse(context.Background(), first.Key, mistake)
				return expected(err)
			})
		}
		require.NoError(t, group.Wait())
		require.LessOrEqual(t, booked.Load(), int64(2), "one for each number")
		sum, err := ledger.BalanceOf(entriesOf(t, ledgers[0], callID)).Sum()
		require.NoError(t, err)
		require.False(t, sum.IsNegative(), "%s costs %s", callID, sum)
	}
	requireClean(t, ledgers[0])
}
