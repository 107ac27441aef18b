package ledger_test

import (
	"context"
	"strings"
	"testing"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"

	"github.com/stretchr/testify/require"
)

func testRefusesChanges(t *testing.T, url string) {
	l := open(t, url)
	stored := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	_, _, err := l.CloseMonth(context.Background(), february, ledgerlog.Key{})
	require.NoError(t, err)
	db := openSQL(t, url)
	statements := []string{
		"UPDATE ledger_closes SET month = '2026-01'",
		"DELETE FROM ledger_closes",
		"UPDATE ledger_entries SET amount = '0.01'",
		"UPDATE ledger_entries SET reason = 'why' WHERE key = 'charge:1400000000:call-1'",
		"DELETE FROM ledger_entries",
		"UPDATE ledger_tariffs SET edition = '{}'",
		"DELETE FROM ledger_tariffs",
		"INSERT INTO ledger_tariffs (hash, edition) SELECT hash, '{}' FROM ledger_tariffs WHERE true ON CONFLICT (hash) DO UPDATE SET edition = '{}'",
	}
	for _, statement := range statements {
		_, err := db.ExecContext(context.Background(), statement)
		if err != nil || !strings.HasPrefix(statement, "INSERT") {
			require.ErrorContains(t, err, "append-only", statement)
		}
	}
	requireOnly(t, l, stored)
}

func testRefusesInvalidRows(t *testing.T, url string) {
	l := open(t, url)
	stored := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	db := openSQL(t, url)
	columns := `kind, revision, reverses, sdk_app_id, app, call_id, payer, media_type, call_type, result, start_time, accept_time,
		end_time, connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record,
		differences, workflow_id, first_run_id, reason, operator`
	for name, change := range map[string][2]string{
		"an amount that is no number":          {"amount", "'1e3'"},
		"a negative charge":                    {"amount", "'-1.00'"},
		"a floating amount":                    {"amount", "'NaN'"},
		"a kind that does not exist":           {"kind", "'gift'"},
		"a charge that reverses":               {"reverses", "'charge:1400000000:call-1'"},
		"negative time":                        {"billed_seconds", "-1"},
		"a reversal of nothing, by its kind":   {"kind", "'reversal'"},
		"an unknown tariff version":            {"tariff_hash", "'" + strings.Repeat("0", 64) + "'"},
		"a currency that is not three letters": {"currency", "'DOLLAR'"},
	} {
		selected := strings.Replace(columns, change[0], change[1], 1)
		_, err := db.ExecContext(context.Background(),
			"INSERT INTO ledger_entries (key, "+columns+") SELECT 'k', "+selected+" FROM ledger_entries")
		require.ErrorContains(t, err, "constraint", name)
	}
	requireOnly(t, l, stored)

	// What a reversal will be can be booked, once.
	reversal := strings.NewReplacer("kind,", "'reversal',", "reverses,", "key,", "amount,", "'-' || amount,").Replace(columns)
	insert := "INSERT INTO ledger_entries (key, " + columns + ") SELECT 'KEY', " + reversal + " FROM ledger_entries WHERE kind = 'charge' ON CONFLICT DO NOTHING"
	for _, key := range []string{"reversal:1400000000:call-1", "reversal:1400000000:call-1", "another"} {
		_, err := db.ExecContext(context.Background(), strings.Replace(insert, "KEY", key, 1))
		require.NoError(t, err)
	}
	entries, err := l.Get(context.Background(), testApp, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, "-0.10 USD", entries[1].Charge.Amount.String())
	require.Equal(t, stored.Key, entries[1].Reverses)
	require.Equal(t, ledger.KindReversal, entries[1].Kind)
}

// requireOnly checks that the ledger holds nothing but the entry, as it was.
func requireOnly(t *testing.T, l *ledger.Ledger, stored ledger.Entry) {
	t.Helper()
	entries, err := l.Get(context.Background(), testApp, stored.CallID())
	require.NoError(t, err)
	require.Equal(t, []ledger.Entry{stored}, entries)
}
