package operator_test

import (
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
)

// documented is the ledger that docs/ledger.md looks at.
func documented(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.configure("0.15")
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	first := w.charge("055662e1-bc8a-469c-a334-1126c8c17d58", "patient-1001", at(1, 12), 61, tariff(t, "USD", "0.12"))
	second := w.charge("04c9a0ac-8e38-4a19-be45-349c5ce7911b", "patient-1002", at(1, 13), 130, tariff(t, "USD", "0.12"))
	w.charge("7c9e6679-7425-40de-944b-e07fc1f90ae7", "patient-1001", at(2, 9), 301, tariff(t, "USD", "0.12"))

	reviewed := first
	reviewed.Record.CallID, reviewed.Record.Caller = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "patient-1003"
	reviewed.Record.AcceptTime, reviewed.Differences = 0, nil
	rater, err := billing.NewRater("standard", tariff(t, "USD", "0.12"))
	require.NoError(t, err)
	reviewed.Charge, err = rater.Decide(reviewed.Record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300})
	require.NoError(t, err)
	reviewed.WorkflowID, reviewed.Operator, reviewed.Reason = "call:1400000000:"+reviewed.CallID(), "night shift", "five minutes, says the doctor's log"
	_, _, err = w.book.Charge(t.Context(), reviewed)
	require.NoError(t, err)

	signed := ledger.Correction{Operator: "alice", Reason: "ticket 4711: charged by last year's price"}
	dearer, err := billing.Rate(first.Record, "standard", tariff(t, "USD", "0.15"), noon)
	require.NoError(t, err)
	_, _, err = w.book.Replace(t.Context(), first.Key, dearer, signed)
	require.NoError(t, err)
	_, _, err = w.book.Reverse(t.Context(), second.Key, ledger.Correction{Operator: "alice", Reason: "the line was dead, says the doctor"})
	require.NoError(t, err)
	return w
}

// TestDocumentation runs the commands of docs/ledger.md, and compares what they
// print with what is written there.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/ledger.md")
	require.NoError(t, err)
	w := documented(t)
	blocks := regexp.MustCompile("(?s)```console\n\\$ worker ([^\n]*)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 6)
	for _, block := range blocks {
		code, stdout, stderr := w.run(strings.Fields(block[1])...)
		require.Equal(t, cli.OK, code, stderr)
		require.Equal(t, datesAside(block[2]), datesAside(stdout+stderr), block[1])
	}
	rows, err := csv.NewReader(strings.NewReader(w.prints("ledger", "export"))).ReadAll()
	require.NoError(t, err)
	var columns []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)`.* \\|").FindAllStringSubmatch(string(text), -1) {
		columns = append(columns, row[1])
	}
	require.Equal(t, rows[0], columns, "the table of columns is the export's")
}

// datesAside hides what differs from run to run, but not how wide it is.
func datesAside(text string) string {
	text = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(text, "yyyy-mm-dd hh:mm:ss")
	return regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(text, "<hash>")
}
