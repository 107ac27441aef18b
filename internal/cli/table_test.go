package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/workflows"
)

// fits writes items at many widths, and requires that no line is wider and that
// the columns in keep are there.
func fits[T any](t *testing.T, items []T, columns []column[T], keep ...string) {
	t.Helper()
	for _, width := range []int{50, 60, 80, 100, 132} {
		var b bytes.Buffer
		writeTable(screen{Writer: &b, width: width, cut: true, notes: io.Discard}, items, columns)
		for line := range strings.Lines(b.String()) {
			require.LessOrEqual(t, text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")), width, b.String())
		}
		for _, heading := range keep {
			require.Contains(t, b.String(), heading)
		}
	}
}

// TestTablesFitTheTerminal has cells as long as they usually get.
func TestTablesFitTheTerminal(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	fits(t, []ops.WaitingCall{{
		App: "telemedicine", CallID: uuid, Stage: workflows.StageWaiting, Since: at, WaitingFor: "Tencent has no record of this call, and it is tried again",
		Pending: []ops.PendingActivity{{Activity: "FetchRecord", Attempt: 12, NextAttemptAt: at}},
	}}, waitingColumns, "CALL", "STAGE", "WAITING FOR")
	fits(t, []ops.Review{{App: "telemedicine", CallID: uuid, Since: &at, Reason: "the record and the callback differ", Summary: "Audio · 10001 → 10002 · 61 s"}},
		reviewColumns, "CALL ID", "REASON")
	fits(t, []ops.Resent{{App: "telemedicine", CallID: uuid, Event: "call.charged", MessageID: "msg_" + uuid, Targets: []string{"crm", "accounting"}}},
		resendColumns, "CALL", "EVENT", "RESULT")
	fits(t, []ops.LedgerEntry{{
		BookedAt: at, Kind: ledger.KindReversal, Revision: 2, App: "telemedicine", CallID: uuid, Payer: "patient-1001", Result: "NormalEnd", EndTime: &at,
		ConnectedSeconds: 86400, BilledSeconds: 86400, Amount: "-1234.5678", Currency: "USD", Operator: "alice",
	}}, entryColumns, "CALL ID", "-1234.5678 USD")
	fits(t, []ops.Finding{{Check: "search attributes", App: "telemedicine", Status: ops.FindingFailed, Detail: "all 7 are registered", Cure: "start the worker, which registers them"}},
		checkColumns, "FAIL", "CHECK", "FOUND")
	fits(t, []ops.SweepStatus{{
		App: "telemedicine", State: ops.SweepMissing, EverySeconds: 600, SweptTo: at, LagSeconds: 86399, NextRunAt: at,
		LastRun: &ops.SweepRun{State: "completed", BackfillCounts: ops.BackfillCounts{Listed: 1234, Started: 12, Failed: 1}},
	}}, sweepColumns, "APP", "STATE", "LAG", "LAST RUN")
	fits(t, []ops.Difference{{
		CallID: uuid, App: "telemedicine", Payer: "patient-1001", OldAmount: "1234.56", OldCurrency: "USD", NewAmount: "1234.57", NewCurrency: "USD",
		Difference: "+0.01", ChargeKey: "charge:1400000000:" + uuid + ":2",
	}}, differenceColumns(true), "CALL ID", "1234.56 USD", "+0.01")
	fits(t, []reportRow{{ops.Total{Groups: []string{"patient-1001"}, Charges: 12345, Currency: "USD", BilledSeconds: 8640000}, strings.Repeat("█", barWidth)}},
		reportColumns([]ledger.Dimension{ledger.ByPayer}, true, true, false), "PAYER", "AMOUNT")
}

// TestWhatDoesNotFitIsCut only where the width is known: a pipe or file gets the
// whole text.
func TestWhatDoesNotFitIsCut(t *testing.T) {
	t.Parallel()
	_, stdout, stderr := runTest(map[string]string{"COLUMNS": "40"}, "list")
	require.Equal(t, `CALL                    REASON
055662e1-bc8a-469c-a3…  the record says
                        that the call
                        lasted for
                        longer than a
                        day, see
                        https://example.com/a/very/long/address
=1+1                    no
`, stdout)
	require.Equal(t, "note: not enough room for amount, the whole call; --wide prints them\n", stderr)
	_, stdout, stderr = runTest(map[string]string{"COLUMNS": "40"}, "list", "--wide")
	require.Contains(t, stdout, uuid+"    1.50  the record says that the call lasted")
	require.Empty(t, stderr)
	_, stdout, _ = runTest(map[string]string{"COLUMNS": "40"}, "list", "--output", "csv")
	require.Contains(t, stdout, uuid+",1.50,")

	var b bytes.Buffer
	rows := []item{{strings.Repeat("long-", 30), "1.50", "no"}}
	writeTable(screen{Writer: &b, width: defaultWidth, notes: io.Discard}, rows, itemColumns)
	require.Contains(t, b.String(), rows[0].CallID)
	b.Reset()
	writeTable(screen{Writer: &b, width: defaultWidth, cut: true, notes: io.Discard}, []item{{"会议-" + strings.Repeat("会", 50), "1.50", "no"}}, itemColumns)
	require.Contains(t, b.String(), "会议-会会", "wide characters count twice")
	require.Contains(t, b.String(), "…")
}
