package cli

import (
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
)

// documented returns the ledger that docs/ledger.md describes.
func documented(t *testing.T) *ledgerTest {
	t.Helper()
	l := newLedgerTest(t)
	l.configure("0.15")
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	first := l.charge("055662e1-bc8a-469c-a334-1126c8c17d58", "patient-1001", at(1, 12), 61, tariff(t, "USD", "0.12"))
	second := l.charge("04c9a0ac-8e38-4a19-be45-349c5ce7911b", "patient-1002", at(1, 13), 130, tariff(t, "USD", "0.12"))
	l.charge("7c9e6679-7425-40de-944b-e07fc1f90ae7", "patient-1001", at(2, 9), 301, tariff(t, "USD", "0.12"))

	reviewed := first
	reviewed.Record.CallID, reviewed.Record.Caller = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "patient-1003"
	reviewed.Record.AcceptTime, reviewed.Differences = 0, nil
	rater, err := billing.NewRater("standard", tariff(t, "USD", "0.12"))
	require.NoError(t, err)
	reviewed.Charge, err = rater.Decide(reviewed.Record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300})
	require.NoError(t, err)
	reviewed.WorkflowID, reviewed.Operator, reviewed.Reason = "call:1400000000:"+reviewed.CallID(), "night shift", "five minutes by the doctor's log"
	_, _, err = l.ledger.Charge(t.Context(), reviewed)
	require.NoError(t, err)

	signed := ledger.Correction{Operator: "alice", Reason: "ticket 4711: charged by last year's tariff"}
	dearer, err := billing.Rate(first.Record, "standard", tariff(t, "USD", "0.15"), noon)
	require.NoError(t, err)
	_, _, err = l.ledger.Replace(t.Context(), first.Key, dearer, signed)
	require.NoError(t, err)
	_, _, err = l.ledger.Reverse(t.Context(), second.Key, ledger.Correction{Operator: "alice", Reason: "the line was dead"})
	require.NoError(t, err)
	more, err := l.ledger.NewIntegrator().Integrate(t.Context())
	require.NoError(t, err)
	require.False(t, more)
	_, err = l.ledger.MakeCheckpoint(t.Context(), ledgerlog.Key{})
	require.NoError(t, err)
	return l
}

// TestDocumentation runs the commands of docs/ledger.md, and compares what they
// print with what is written there.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/ledger.md")
	require.NoError(t, err)
	l := documented(t)
	blocks := regexp.MustCompile("(?s)```console\n\\$ aftercall ([^\n]*)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 11)
	for _, block := range blocks {
		code, stdout, stderr := l.run(strings.Fields(block[1])...)
		require.Equal(t, OK, code, stderr)
		// The document has the line ends of text, CSV those of RFC 4180.
		printed := strings.ReplaceAll(stdout+stderr, "\r\n", "\n")
		require.Equal(t, withoutDates(block[2]), withoutDates(printed), block[1])
	}
	rows, err := csv.NewReader(strings.NewReader(l.prints("ledger", "export"))).ReadAll()
	require.NoError(t, err)
	var columns []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)`.* \\|").FindAllStringSubmatch(string(text), -1) {
		columns = append(columns, row[1])
	}
	require.Equal(t, rows[0], columns, "the table of columns is the export's")
}

// TestOutputFits80Columns: tables and texts fit a terminal of 80 columns, with
// real CallIds.
func TestOutputFits80Columns(t *testing.T) {
	t.Parallel()
	l := documented(t)
	for _, args := range []string{
		"show 055662e1-bc8a-469c-a334-1126c8c17d58", "list", "report", "report --by payer --bars always", "report --bars always",
		"rerate", "rerate --use-tariff in-yen", "verify", "reverse 04c9a0ac-8e38-4a19-be45-349c5ce7911b --operator alice --reason dead",
		"rerate --apply --operator alice --reason dead",
	} {
		_, stdout, _ := l.run(append([]string{"ledger"}, strings.Fields(args)...)...)
		require.NotEmpty(t, stdout, args)
		for line := range strings.Lines(stdout) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, "%s: %s", args, line)
		}
	}
}

// withoutDates replaces what differs from run to run with text of the same width.
func withoutDates(text string) string {
	text = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(text, "yyyy-mm-dd hh:mm:ss")
	text = regexp.MustCompile(`(ledger\.example\.com)\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`).ReplaceAllString(text, "$1+<key>")
	text = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`).ReplaceAllString(text, "<time>")
	text = regexp.MustCompile(`[A-Za-z0-9+/]{43}=`).ReplaceAllString(text, "<root>")
	return regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(text, "<hash>")
}
