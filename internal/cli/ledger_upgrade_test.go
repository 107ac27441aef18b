package cli

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
	"aftercall/internal/testenv/released"
)

// TestLedgersOfEarlierReleases: a ledger that an earlier release wrote has the same
// entries after its migration, and every command works on it.
func TestLedgersOfEarlierReleases(t *testing.T) {
	t.Parallel()
	for _, version := range released.Versions {
		t.Run(version+" in SQLite", func(t *testing.T) {
			t.Parallel()
			testUpgrade(t, version, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
		})
		t.Run(version+" in PostgreSQL", func(t *testing.T) {
			t.Parallel()
			if url, ok := testenv.Postgres(t); ok {
				testUpgrade(t, version, url)
			}
		})
	}
}

// bookedEntry is what must not change.
type bookedEntry struct {
	Key      string `json:"key"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Payer    string `json:"payer"`
}

func testUpgrade(t *testing.T, version, url string) {
	released.Ledger(t, url, version)
	before := readEntries(t, url)
	require.GreaterOrEqual(t, len(before), 5)
	l := &ledgerTest{t: t, environ: map[string]string{"LEDGER_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:1"}}
	l.configure("0.05")
	require.Contains(t, l.prints("ledger", "migrate"), "up to date")
	require.Equal(t, before, readEntries(t, url))
	require.Equal(t, before, l.listed())
	require.NotContains(t, l.prints("ledger", "verify"), "wrong")
	requireTotals(t, l, before)
	require.Len(t, strings.Split(strings.TrimSpace(l.prints("ledger", "export")), "\n"), 1+len(before))
	require.Contains(t, l.prints("ledger", "show", "call-2"), "charge:1400000000:call-2")

	// Statements of all payers have all entries, each once.
	payers := map[string]bool{}
	entries := 0
	for _, e := range before {
		if payers[e.Payer] {
			continue
		}
		payers[e.Payer] = true
		for _, call := range l.statement("--payer", e.Payer, "--month", "2026-02").Calls {
			entries += len(call.Entries)
		}
	}
	require.Equal(t, len(before), entries)

	// It is a ledger like any other: corrected, closed by a checkpoint, proven, copied.
	code, _, stderr := l.run("ledger", "reverse", "call-3", "--operator", "alice", "--reason", "a test")
	require.Equal(t, Incomplete, code, "Temporal does not answer: %s", stderr)
	code, _, stderr = l.run("ledger", "adjust", "call-2", "--amount", "0.01", "--operator", "alice", "--reason", "a test")
	require.Equal(t, Incomplete, code, stderr)
	require.Len(t, l.listed(), len(before)+2)
	checkpoint := writeFile(t, "checkpoint.txt", l.prints("ledger", "checkpoint", "--no-notify"))
	receipt := writeFile(t, "receipt.json", l.prints("ledger", "prove", "call-1"))
	require.Contains(t, l.prints("ledger", "check-receipt", receipt, "--checkpoint", checkpoint), "proven")
	verified := l.prints("ledger", "verify", "--checkpoint", checkpoint)
	require.NotContains(t, verified, "wrong")
	if strings.HasPrefix(url, "sqlite:") {
		copied := filepath.Join(t.TempDir(), "copy.db")
		l.prints("ledger", "backup", copied)
		restored := &ledgerTest{t: t, environ: map[string]string{"LEDGER_URL": "sqlite:" + copied}}
		require.Equal(t, verified, restored.prints("ledger", "verify", "--checkpoint", checkpoint))
		require.Equal(t, l.listed(), restored.listed())
	}
}

// listed are the entries as the command lists them.
func (l *ledgerTest) listed() (entries []bookedEntry) {
	l.t.Helper()
	require.NoError(l.t, json.Unmarshal([]byte(l.prints("ledger", "list", "-o", "json")), &entries))
	return entries
}

// readEntries are the entries in the tables, past the program.
func readEntries(t *testing.T, url string) (entries []bookedEntry) {
	t.Helper()
	driver, source := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path
	}
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), "SELECT key, amount, currency, payer FROM ledger_entries ORDER BY seq")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var e bookedEntry
		require.NoError(t, rows.Scan(&e.Key, &e.Amount, &e.Currency, &e.Payer))
		entries = append(entries, e)
	}
	require.NoError(t, rows.Err())
	return entries
}

// requireTotals compares the report with the sums of the entries.
func requireTotals(t *testing.T, l *ledgerTest, entries []bookedEntry) {
	t.Helper()
	want := sums{}
	for _, e := range entries {
		want.add(t, e.Amount, e.Currency)
	}
	var rows []struct{ Currency, Amount string }
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "report", "--by", "app", "-o", "json")), &rows))
	got := sums{}
	for _, r := range rows {
		got.add(t, r.Amount, r.Currency)
	}
	require.Equal(t, want, got)
}

// sums are amounts by currency.
type sums map[string]currency.Amount

func (s sums) add(t *testing.T, number, code string) {
	t.Helper()
	amount, err := currency.NewAmount(number, code)
	require.NoError(t, err)
	if sum, ok := s[code]; ok {
		amount, err = sum.Add(amount)
		require.NoError(t, err)
	}
	s[code] = amount
}
