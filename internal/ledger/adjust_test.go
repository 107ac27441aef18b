package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// testAdjustExisting migrates a ledger while a process of the release before has it
// open, which goes on charging.
func testAdjustExisting(t *testing.T, url string) {
	require.NoError(t, ledger.MigrateTo(context.Background(), url, 8))
	older := openSQL(t, url)
	first := entry(t, "call-1", "run-1", "0.05")
	steps, err := json.Marshal(first.Charge.Steps)
	require.NoError(t, err)
	record, err := json.Marshal(first.Record)
	require.NoError(t, err)
	tariff := first.Charge.Tariff
	_, err = older.ExecContext(t.Context(), "INSERT INTO ledger_tariffs (hash, edition) VALUES ($1, $2)", tariff.Hash, string(tariff.VersionJSON))
	require.NoError(t, err)
	book := func(key, kind, amount string) error {
		_, err := older.ExecContext(t.Context(), `INSERT INTO ledger_entries (key, kind, revision, sdk_app_id, app, call_id, payer, media_type, call_type, result,
  start_time, accept_time, end_time, connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences,
  workflow_id, first_run_id, reason, operator)
VALUES ($1, $2, 1, 1400000000, 'clinic', 'call-1', '10001', 'Audio', 'SingleCall', 'NormalEnd', $3, $4, $5, 61, 120, 1, $6, 'USD', 'standard', $7, $8, $9, $10, 'null', 'w', 'r', '', '')`,
			key, kind, first.Record.StartTime, first.Record.AcceptTime, first.Record.EndTime, amount, tariff.EffectiveFrom.UTC().Format(time.RFC3339Nano), tariff.Hash, string(steps), string(record))
		return err
	}
	require.ErrorContains(t, book("k", "adjustment", "1"), "constraint", "it is not migrated yet")
	require.NoError(t, book("charge:1400000000:call-1", "charge", "0.10"))

	l := open(t, url)
	adjust(t, l, "call-1", 1, "-0.04")
	requireSum(t, l, "call-1", "0.06 USD")
	v, err := l.Verify(t.Context(), ledger.Evidence{}, func(f ledger.Finding) { t.Error(f) }, nil)
	require.NoError(t, err)
	require.EqualValues(t, 2, v.Entries)
	charge(t, l, entry(t, "call-2", "run-2", "0.05"))
	require.ErrorContains(t, book("charge:1400000000:call-3", "charge", "-0.10"), "constraint")
	require.NoError(t, book("charge:1400000000:call-3", "charge", "0.10"), "the other process")
	if strings.HasPrefix(url, "sqlite:") {
		var intact string
		require.NoError(t, older.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&intact))
		require.Equal(t, "ok", intact)
	}
}

// testOlderReleaseReverses: a release that does not know adjustments leaves them when it
// reverses a charge. That is found, and can be cured.
func testOlderReleaseReverses(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	credit := adjust(t, l, "call-1", 1, "-0.01")
	execute(t, openSQL(t, url), strings.Replace(copyAs, "FROM", `'reversal:1400000000:call-1', 'reversal', 1, '`+first.Key+`', '-0.10', 'r', 'o',
replace(steps, '{"kind":"tariff"', '{"kind":"reversal"') FROM`, 1))
	_, findings := verify(t, l)
	require.Contains(t, strings.Join(findings, "\n"), credit.Key+": adjusts a call whose charge was reversed, so that it costs -0.01 USD: reverse the adjustment, too")
	_, inserted, err := l.Reverse(ctx, credit.Key, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	_, findings = verify(t, l)
	require.NotContains(t, strings.Join(findings, "\n"), "adjust")
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
