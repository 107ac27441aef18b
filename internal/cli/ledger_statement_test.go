package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bojanz/currency"
	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
)

// statementJSON is what the tests read of a statement.
type statementJSON struct {
	Payer string `json:"payer"`
	Calls []struct {
		CallID  string `json:"call_id"`
		Entries []struct {
			Kind, Amount string
		} `json:"entries"`
	} `json:"calls"`
	Totals []struct{ Amount, Currency string } `json:"totals"`
}

func (l *ledgerTest) statement(args ...string) (s statementJSON) {
	l.t.Helper()
	require.NoError(l.t, json.Unmarshal([]byte(l.prints(append([]string{"ledger", "statement", "-o", "json"}, args...)...)), &s))
	return s
}

func TestStatement(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	s := l.statement("--payer", "patient-1", "--month", "2026-03", "--app", "clinic")
	require.Equal(t, "patient-1", s.Payer)
	require.Len(t, s.Calls, 2)
	require.Len(t, s.Calls[0].Entries, 3, "charge, reversal and charge")
	require.Equal(t, "reversal", s.Calls[0].Entries[1].Kind)
	require.Equal(t, "[{60 JPY} {0.30 USD}]", toText(s.Totals))
	credit, err := currency.NewAmount("-0.10", "USD")
	require.NoError(t, err)
	adjusted, _, err := l.ledger.Adjust(t.Context(), clinic, "call-1", ledger.Adjustment{Amount: credit, Number: 1, Correction: mistake})
	require.NoError(t, err)
	text := l.prints("ledger", "statement", "--payer", "patient-1", "--month", "2026-03")
	require.Contains(t, text, "2026-03-01 12:00:00  1:01  0.20 USD\n")
	require.Regexp(t, `(?s)  0\.24 USD  Charge\n.*  -0\.24 USD  Reversal, booked .*  0\.30 USD  Charge, booked .*  -0\.10 USD  Adjustment, booked [-0-9: ]+: wrong number\n`, text)
	require.Contains(t, text, "Total  0.20 USD  (2 charges, 1 adjustment, 1 reversal)\n")
	_, _, err = l.ledger.Reverse(t.Context(), adjusted.Key, mistake)
	require.NoError(t, err)
	s = l.statement("--payer", "patient-1", "--month", "2026-03")
	require.Len(t, s.Calls[0].Entries, 5)
	require.Equal(t, "[{60 JPY} {0.30 USD}]", toText(s.Totals))

	require.Empty(t, l.statement("--payer", "patient-1", "--month", "2026-02").Calls)
	for _, c := range []struct {
		code   int
		stderr string
		args   []string
	}{
		{Usage, `--month: there is no month "2026-13"`, []string{"--payer", "patient-1", "--month", "2026-13"}},
		{Usage, `--month: there is no month "2026-3"`, []string{"--payer", "patient-1", "--month", "2026-3"}},
		{Usage, `--month: there is no month ""`, []string{"--payer", "patient-1", "--month", ""}},
		{Usage, "--month: 2999-01 has not begun in UTC", []string{"--payer", "patient-1", "--month", "2999-01"}},
		{Usage, "--month", []string{"--payer", "patient-1"}},
		{Usage, `--zone: "Mars" is not known`, []string{"--payer", "patient-1", "--month", "2026-03", "--zone", "Mars"}},
		{Usage, "--app: there is no app", []string{"--payer", "patient-1", "--month", "2026-03", "--app", "nosuch"}},
		{Usage, "name one payer with --payer, or all with --all --dir DIR", []string{"--month", "2026-03"}},
		{Usage, "name one payer", []string{"--payer", "", "--month", "2026-03"}},
		{Usage, "name one payer", []string{"--payer", "patient-1", "--all", "--dir", "x", "--month", "2026-03"}},
		{Usage, "--all and --dir belong together", []string{"--all", "--month", "2026-03"}},
		{Usage, "--all and --dir belong together", []string{"--payer", "patient-1", "--dir", "x", "--month", "2026-03"}},
		{NotFound, "the ledger has no entry of payer \"../patient-1\"", []string{"--payer", "../patient-1", "--month", "2026-03"}},
		{Usage, "--output", []string{"--payer", "patient-1", "--month", "2026-03", "--output", "pdf"}},
	} {
		code, stdout, stderr := l.run(append([]string{"ledger", "statement"}, c.args...)...)
		require.Equal(t, c.code, code, "%q: %s", c.args, stderr)
		require.Contains(t, stderr, c.stderr)
		require.Empty(t, stdout)
	}
}

// toText is v as fmt prints it.
func toText(v any) string {
	text, _ := json.Marshal(v)
	return strings.NewReplacer(`{"Amount":"`, "{", `","Currency":"`, " ", `"}`, "}", ",", " ").Replace(string(text))
}

// TestStatementsOfChangedClocks: calls that ended at midnight belong to the month that
// a clock in the zone showed. In Havana midnight comes twice on 2026-11-01.
func TestStatementsOfChangedClocks(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	for id, end := range map[string]time.Time{
		"last-of-october": time.Date(2026, 11, 1, 3, 59, 59, 0, time.UTC), "first-midnight": time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC),
		"second-midnight": time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC),
	} {
		l.charge(id, "patient-1", end, 61, tariff(t, "USD", "0.12"))
	}
	calls := func(month string) (ids []string) {
		for _, c := range l.statement("--payer", "patient-1", "--month", month, "--zone", "America/Havana").Calls {
			ids = append(ids, c.CallID)
		}
		return ids
	}
	require.Equal(t, []string{"last-of-october"}, calls("2026-10"))
	require.Equal(t, []string{"first-midnight", "second-midnight"}, calls("2026-11"))
	require.Contains(t, l.prints("ledger", "report", "--by", "month", "--zone", "America/Havana", "-o", "csv"), "2026-11,USD,0.48,2,0,")
}

func TestStatementsOfAll(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	l.charge("call-9", "../=evil\n", noon, 61, tariff(t, "USD", "0.12"))
	dir := filepath.Join(t.TempDir(), "statements")
	all := func(args ...string) (code int, stdout, stderr string) {
		return l.run(append([]string{"ledger", "statement", "--all", "--dir", dir, "--month", "2026-03"}, args...)...)
	}
	code, stdout, stderr := all()
	require.Equal(t, OK, code, stderr)
	require.Equal(t, "Statements in "+dir+": 3.\n  60 JPY: 1 charges, 0 reversals\n  0.54 USD: 4 charges, 2 reversals\n", stdout)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3)
	require.Equal(t, "statement-2026-03-_2e_2e_2f_3devil_0a.txt", files[0].Name())
	text, err := os.ReadFile(filepath.Join(dir, "statement-2026-03-patient-2.txt"))
	require.NoError(t, err)
	require.Contains(t, string(text), "Total  0.00 USD  (1 charge, 1 reversal)\n")
	code, _, _ = all("--output", "html")
	require.Equal(t, OK, code, "another format of the same month")

	// A payer whose statement is no longer written.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "statement-2026-03-gone.txt"), nil, 0o600))
	code, stdout, stderr = all()
	require.Equal(t, Refused, code)
	require.Contains(t, stdout, ": 3.\n")
	require.Contains(t, stderr, "the folder also holds statements of 2026-03 that were not written now: 1")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600))
	code, stdout, stderr = all()
	require.Equal(t, Refused, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, `holds something else than statements, such as "notes"`)
	require.NoError(t, os.Remove(filepath.Join(dir, "statement-2026-03-gone.txt")))
	code, _, stderr = all("--other-files")
	require.Equal(t, OK, code, stderr)

	dir = filepath.Join(t.TempDir(), "empty")
	code, stdout, _ = l.run("ledger", "statement", "--all", "--dir", dir, "--month", "2026-02")
	require.Equal(t, OK, code)
	require.Equal(t, "Statements in "+dir+": 0.\n", stdout)
}

// TestStatementOfALongPayer: a statement needs no name of a file for one payer.
func TestStatementOfALongPayer(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	payer := "\u202e" + strings.Repeat("客", 200)
	first := l.charge("call-1", payer, noon, 61, tariff(t, "USD", "0.12"))
	again, err := billing.Rate(first.Record, "standard", tariff(t, "USD", "0.15"), noon)
	require.NoError(t, err)
	_, _, err = l.ledger.Replace(t.Context(), first.Key, again, mistake)
	require.NoError(t, err)
	out := l.prints("ledger", "statement", "--payer", payer, "--month", "2026-03")
	require.Contains(t, out, strings.Repeat("客", 200))
	require.NotContains(t, out, "\u202e")
	require.Contains(t, out, "Total  0.30 USD  (2 charges, 1 reversal)")
}
