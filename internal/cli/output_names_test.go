package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
)

const uuid = "055662e1-bc8a-469c-a334-1126c8c17d58"

// TestNamesInCSVAndJSON: scripts find the same names in CSV and in JSON.
func TestNamesInCSVAndJSON(t *testing.T) {
	t.Parallel()
	monthPayer := []ledger.Dimension{ledger.ByMonth, ledger.ByPayer}
	requireSameNames(t, ops.Review{}, reviewColumns)
	requireSameNames(t, ops.Difference{}, differenceColumns(true))
	requireSameNames(t, ops.Problem{}, problemColumns)
	requireSameNames(t, reportRow{Total: ops.Total{By: monthPayer, Groups: []string{"", ""}}}, reportColumns(monthPayer, true, true, false))
	requireSameNames(t, reportRow{Total: ops.Total{By: monthPayer, Groups: []string{"", ""}, Sources: &ops.Sources{}}}, reportColumns(monthPayer, true, true, true))
}

func requireSameNames[T any](t *testing.T, item T, columns []column[T]) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writeCSV(&b, []T{item}, columns))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	text, err := json.Marshal(item)
	require.NoError(t, err)
	var object map[string]any
	require.NoError(t, json.Unmarshal(text, &object))
	require.ElementsMatch(t, rows[0], slices.Collect(maps.Keys(object)))
}

func TestReviewTable(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	reviews := []ops.Review{
		{CallID: uuid, App: "clinic", Since: &since, Reason: "CallResult \"Vanished\" is unknown", Summary: "Audio, 61 s"},
		{CallID: "call-2", App: "clinic", Since: &since, Reason: "no record after 24 h", NoRecord: true, ClaimedCaller: "p-1", Claimed: "Audio · one to one"},
		{CallID: "call-3\x1b[2J", App: "clinic", Error: "no worker"},
	}
	var b bytes.Buffer
	writeTable(screen{Writer: &b, width: 80, notes: io.Discard}, reviews, reviewColumns)
	require.Equal(t, `CALL ID                               SINCE (UTC)       REASON
055662e1-bc8a-469c-a334-1126c8c17d58  2026-03-01 12:00  CallResult "Vanished" is
                                                        unknown
call-2                                2026-03-01 12:00  no record after 24 h
                                                        (without a record:
                                                        charge-as with --payer,
                                                        or waive); claimed by
                                                        callbacks, not confirmed
                                                        by Tencent: caller p-1 ·
                                                        Audio · one to one
call-3�[2J                            ?                 the workflow does not
                                                        answer
`, b.String())
	for line := range strings.Lines(b.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	const red, green, end = "\x1b[31m", "\x1b[32m", "\x1b[0m"
	var b bytes.Buffer
	colourful := screen{Writer: &b, colour: true, notes: io.Discard}
	writeTable(colourful, []ops.LedgerEntry{{Amount: "-0.24", Currency: "USD"}, {Amount: "0.24", Currency: "USD"}}, entryColumns)
	require.Contains(t, b.String(), red+"-0.24 USD"+end)
	require.NotContains(t, b.String(), red+"0.24")

	b.Reset()
	writeVerification(colourful, &ops.Verification{Entries: 1})
	require.Contains(t, b.String(), green+"every amount was computed again and is right"+end)
	b.Reset()
	writeVerification(colourful, &ops.Verification{
		Entries: 1, Problems: 3, Found: []ops.Problem{{Key: "charge:1:a", Problem: "its key is wrong"}},
		Records: []ops.RecordAudit{{App: "clinic", Missing: 1, Found: []ops.Problem{{Kind: ops.ProblemMissing, CallID: "b", Problem: "was never charged"}}}},
	})
	require.Contains(t, b.String(), red+"wrong"+end+" charge:1:a: its key is wrong\n… and 2 more problems\n")
	require.Contains(t, b.String(), red+"missing"+end+" clinic: b: was never charged\n")
	require.Contains(t, b.String(), red+"1 missing, 0 extra, 0 different"+end)
}

// TestManyMembersInATable: the table names the first members, and counts the rest.
func TestManyMembersInATable(t *testing.T) {
	t.Parallel()
	require.Empty(t, memberWords(nil))
	require.Equal(t, "a, b, c, d, e", memberWords([]string{"a", "b", "c", "d", "e"}))
	require.Equal(t, "a, b, c, d, e and 2 more", memberWords([]string{"a", "b", "c", "d", "e", "f", "g"}))
}
