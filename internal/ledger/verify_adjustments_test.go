package ledger_test

import (
	"context"
	"strings"
	"testing"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

// testVerifyAdjustments changes adjustments past the ledger, without its triggers and
// constraints, and without the log.
func testVerifyAdjustments(t *testing.T, url string) {
	l := open(t, url)
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	charge(t, l, entry(t, "call-2", "run-2", "0.05"))
	adjust(t, l, "call-1", 1, "-0.04")
	surcharge := adjust(t, l, "call-1", 2, "0.50")
	_, _, err := l.Reverse(context.Background(), surcharge.Key, mistake)
	require.NoError(t, err)
	_, _, err = l.Replace(context.Background(), first.Key, rate(t, first.Record, tariffAt(t, "0.06")), mistake)
	require.NoError(t, err)
	adjust(t, l, "call-1", 3, "-0.01")
	forced := goodwill
	forced.Force = true
	_, _, err = l.Adjust(context.Background(), testApp, "call-2", ledger.Adjustment{Amount: usd(t, "-0.11"), Number: 1, Correction: forced})
	require.NoError(t, err)
	charge(t, l, entry(t, "call-3", "run-3", "0.05"))
	interpreter := adjust(t, l, "call-3", 1, "0.50")
	adjust(t, l, "call-3", 2, "-0.55")
	_, _, err = l.Reverse(context.Background(), interpreter.Key, forced)
	require.NoError(t, err)
	adjustAfterAnotherCurrency(t, l)
	db := openSQL(t, url)
	unguard(t, db)
	l = open(t, url)
	set := func(key, assignments string) string {
		return "UPDATE ledger_entries SET " + assignments + " WHERE key = '" + strings.Replace(key, ":", ":1400000000:", 1) + "'"
	}
	const unlike = "its steps, seconds or tariff are not those of such an adjustment"
	for name, c := range map[string]struct{ statement, want string }{
		"an amount":          {set("adjustment:call-1", "amount = '-0.09'"), "adjustment:1400000000:call-1: is -0.09 USD, and the call cost 0.10 USD: " + unlike},
		"an amount of 0":     {set("adjustment:call-1", "amount = '0.00', steps = replace(steps, '0.06', '0.10')"), "is 0.00 USD, and the call cost 0.10 USD: " + unlike},
		"the sum in a step":  {set("adjustment:call-1", `steps = replace(steps, '"amount":"0.06"', '"amount":"0.05"')`), unlike},
		"seconds":            {set("adjustment:call-1", "billed_seconds = 60"), unlike},
		"another tariff":     {set("adjustment:call-1", "tariff_hash = (SELECT tariff_hash FROM kept_entries WHERE key = 'charge.2:1400000000:call-1')"), unlike},
		"a currency":         {set("adjustment:call-1", "currency = 'EUR'"), "adjustment:1400000000:call-1: is in EUR, but the call was charged in USD"},
		"another currency":   {set("adjustment.2:call-4", "currency = 'USD'"), "adjustment.2:1400000000:call-4: is in USD, but the call was charged in EUR"},
		"below zero in it":   {set("charge.2:call-4", "amount = '0.01'"), "adjustment.2:1400000000:call-4: brings what the call costs from 0.01 EUR to -0.01 EUR, and nobody forced it below zero"},
		"a number":           {set("adjustment.3:call-1", "revision = 7, key = 'adjustment.7:1400000000:call-1'"), "adjustment.7:1400000000:call-1: is adjustment 7 of its call, but the one before was 2"},
		"below zero":         {set("adjustment.3:call-1", "amount = '-0.09', steps = replace(steps, '\"0.07\"', '\"-0.01\"')"), "brings what the call costs from 0.08 USD to -0.01 USD, and nobody forced it below zero"},
		"below zero, a mark": {set("adjustment:call-2", `steps = replace(steps, 'below zero"', 'cap"')`), "brings what the call costs from 0.10 USD to -0.01 USD, and nobody forced it below zero"},
		"below zero by a reversal, a mark": {
			set("adjustment-reversal:call-3", `steps = replace(steps, 'below zero"', 'cap"')`), "brings what the call costs from 0.05 USD to -0.45 USD, and nobody forced it below zero",
		},
		"a lower charge": {
			set("charge.2:call-1", "amount = '0.01'"), "charge.2:1400000000:call-1: brings what the call costs from 0.06 USD to -0.03 USD, and nobody forced it below zero",
		},
		"without operator":         {set("adjustment:call-1", "operator = ''"), "is a correction, but operator: is missing"},
		"the amount of a reversal": {set("adjustment-reversal.2:call-1", "amount = '-0.40'"), "adjustment-reversal.2:1400000000:call-1: is -0.40 USD, but its adjustment was 0.50 USD: it must be -0.50 USD"},
		"what was reversed": {
			set("adjustment-reversal.2:call-1", "reverses = 'adjustment:1400000000:call-1'"),
			"adjustment-reversal.2:1400000000:call-1: reverses adjustment:1400000000:call-1, but must reverse adjustment.2:1400000000:call-1",
		},
		"the key of a reversal": {set("adjustment-reversal.2:call-1", "key = 'reversal.2:1400000000:call-1'"), "its key must be adjustment-reversal.2:1400000000:call-1"},
		"a deleted adjustment":  {"DELETE FROM ledger_entries WHERE key = 'adjustment.2:1400000000:call-1'", "adjustment-reversal.2:1400000000:call-1: reverses adjustment.2:1400000000:call-1, which does not exist"},
		"a deleted reversal":    {"DELETE FROM ledger_entries WHERE key = 'adjustment-reversal.2:1400000000:call-1'", "adjustment.3:1400000000:call-1: is -0.01 USD, and the call cost 0.58 USD: " + unlike},
		"a deleted charge":      {"DELETE FROM ledger_entries WHERE key = 'charge:1400000000:call-2'", "adjustment:1400000000:call-2: adjusts a call that was not charged then"},
	} {
		t.Run(name, func(t *testing.T) {
			requireClean(t, l)
			execute(t, db, c.statement)
			_, findings := verify(t, l)
			execute(t, db, "DELETE FROM ledger_entries", "INSERT INTO ledger_entries SELECT * FROM kept_entries")
			require.Contains(t, strings.Join(findings, "\n"), c.want)
		})
	}
}

// adjustAfterAnotherCurrency adjusts call-4, charges it in euros instead, and adjusts
// it in euros.
func adjustAfterAnotherCurrency(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	first := charge(t, l, entry(t, "call-4", "run-4", "0.05"))
	credit := adjust(t, l, "call-4", 1, "-0.01")
	_, _, err := l.Reverse(context.Background(), credit.Key, mistake)
	require.NoError(t, err)
	euros := tariffAt(t, "0.05")
	euros.Currency = "EUR"
	_, _, err = l.Replace(context.Background(), first.Key, rate(t, first.Record, euros), mistake)
	require.NoError(t, err)
	amount, err := currency.NewAmount("-0.02", "EUR")
	require.NoError(t, err)
	_, _, err = l.Adjust(context.Background(), testApp, "call-4", ledger.Adjustment{Amount: amount, Number: 2, Correction: goodwill})
	require.NoError(t, err)
}
