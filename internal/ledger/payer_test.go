package ledger_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"
)

// paidByCallee is a charge of a robot's call, which its first callee pays.
func paidByCallee(t *testing.T, callID string) ledger.Entry {
	t.Helper()
	e := entry(t, callID, "run-1", "0.05")
	e.Record.Caller, e.Record.Members = "robot-1", []string{"robot-1", "user2"}
	e.Charge = rated(t, e, "0.05", billing.Payers{{Callers: []string{"robot-*"}, Is: "first_callee"}})
	return e
}

// rated is the charge of an entry at the rate per minute, paid as the rules say.
func rated(t *testing.T, e ledger.Entry, rate string, payers billing.Payers) billing.Charge {
	t.Helper()
	rater, err := billing.NewRater("standard", tariffAt(t, rate))
	require.NoError(t, err)
	rater, err = rater.PaidBy(payers)
	require.NoError(t, err)
	if e.Key != "" { // charged before
		c, err := e.Recompute(rater)
		require.NoError(t, err)
		return c
	}
	c, err := rater.Rate(e.Record, time.Unix(ended+6, 0))
	require.NoError(t, err)
	return c
}

// testPayer: the payer of a charge is that of all entries that correct it, also after the
// configuration says something else.
func testPayer(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	booked := charge(t, l, paidByCallee(t, "call-1"))
	require.Equal(t, "user2", booked.Payer())
	require.Equal(t, "robot-1", booked.Record.Caller)
	stored := entriesOf(t, l, "call-1")
	require.Equal(t, []ledger.Entry{booked}, stored)

	// Another payer would not be another sum.
	again := paidByCallee(t, "call-1")
	again.FirstRunID, again.Charge = "run-2", rate(t, again.Record, tariffAt(t, "0.05"))
	require.Equal(t, "robot-1", again.Payer())
	kept, inserted, err := l.Charge(ctx, again)
	require.NoError(t, err)
	require.False(t, inserted)
	require.Equal(t, "user2", kept.Payer())

	amount, err := currency.NewAmount("0.02", "USD")
	require.NoError(t, err)
	_, _, err = l.Adjust(ctx, testApp, "call-1", ledger.Adjustment{Amount: amount, Number: 1, Correction: mistake})
	require.NoError(t, err)
	_, _, err = l.Reverse(ctx, booked.Key, mistake)
	require.NoError(t, err)
	_, _, err = l.Reinstate(ctx, testApp, "call-1", mistake)
	require.NoError(t, err)
	live, ok := ledger.Live(entriesOf(t, l, "call-1"))
	require.True(t, ok)
	_, _, err = l.Replace(ctx, live.Key, rated(t, live, "0.07", nil), mistake)
	require.NoError(t, err)
	entries := entriesOf(t, l, "call-1")
	require.Len(t, entries, 8)
	for _, e := range entries {
		require.Equal(t, "user2", e.Payer(), e.Key)
		require.Equal(t, &billing.Payer{Account: "user2", Is: "first_callee"}, e.Charge.Payer(), e.Key)
	}
	charge(t, l, entry(t, "call-2", "run-1", "0.05"))
	requireClean(t, l)
	integrate(t, l.NewIntegrator())
	requireClean(t, l)

	for payer, n := range map[string]int{"user2": 8, "robot-1": 0, "10001": 1} {
		found := 0
		for _, err := range l.ListByPayer(ctx, ledger.Filter{Payer: payer}) {
			require.NoError(t, err)
			found++
		}
		require.Equal(t, n, found, payer)
		has, err := l.HasPayer(ctx, payer)
		require.NoError(t, err)
		require.Equal(t, n > 0, has, payer)
	}
	var out bytes.Buffer
	_, err = ledger.Export(&out, l.List(ctx, ledger.Filter{CallID: "call-1"}))
	require.NoError(t, err)
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"payer", "user2"}, []string{rows[0][9], rows[1][9]})
}

// testAlteredPayer: who pays is found again by the stored rule.
func testAlteredPayer(t *testing.T, url string) {
	l := open(t, url)
	booked := charge(t, l, paidByCallee(t, "call-1"))
	_, _, err := l.Reverse(context.Background(), booked.Key, mistake)
	require.NoError(t, err)
	db := openSQL(t, url)
	unguard(t, db)
	requireClean(t, l)
	for set, want := range map[string][]string{
		"payer = 'robot-1'": {"its columns differ from its record: {call-1 robot-1", "its columns differ from its record: {call-1 robot-1"},
		"payer = 'mallory', steps = replace(steps, '\"account\":\"user2\"', '\"account\":\"mallory\"')": {"or other steps"},
		"payer = 'robot-1', steps = replace(steps, 'first_callee', 'caller')":                           {"its columns differ", "or other steps", "its columns differ"},
		"steps = replace(steps, 'first_callee', '{{ .Gone }}')":                                         {"cannot be charged again: payer: "},
	} {
		execute(t, db, "UPDATE ledger_entries SET "+set)
		_, findings := verify(t, l)
		execute(t, db, "DELETE FROM ledger_entries", "INSERT INTO ledger_entries SELECT * FROM kept_entries")
		require.Len(t, findings, len(want), "%s: %s", set, findings)
		for i := range want {
			require.Contains(t, findings[i], want[i])
		}
	}
}
