package local_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/proto"
	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// TestStatementPage prints a statement as a browser does: on A4, with the heading of
// the table on each page and no call broken across two.
func TestStatementPage(t *testing.T) {
	p, ok := openBrowser(t)
	if !ok {
		return
	}
	file := filepath.Join(t.TempDir(), "statement.html")
	require.NoError(t, os.WriteFile(file, statementPage(t), 0o600))
	p.open("file://" + file)
	p.waitForText("Statement of March 2026", "patient-1001", "Reversal", "ticket 4711", "30 charges, 1 reversal")
	p.screenshot("statement.png", 860, 745)

	require.NoError(t, proto.EmulationSetEmulatedMedia{Media: "print"}.Call(p.rod))
	var heading, rows string
	p.eval(&heading, `() => getComputedStyle(document.querySelector("thead")).display`)
	p.eval(&rows, `() => getComputedStyle(document.querySelector("tbody")).breakInside`)
	require.Equal(t, []string{"table-header-group", "avoid"}, []string{heading, rows})
	printed, err := p.rod.PDF(&proto.PagePrintToPDF{PreferCSSPageSize: true})
	require.NoError(t, err)
	var pdf bytes.Buffer
	_, err = pdf.ReadFrom(printed)
	require.NoError(t, err)
	sizes := regexp.MustCompile(`/MediaBox \[0 0 (\d+)[.\d]* (\d+)[.\d]*\]`).FindAllStringSubmatch(pdf.String(), -1)
	require.Greater(t, len(sizes), 1, "the table goes on on a second page")
	for _, size := range sizes {
		require.Regexp(t, "59[45] 84[12]", size[1]+" "+size[2], "A4 in points")
	}
}

// statementPage is the statement of a payer with 29 calls, one of them corrected.
func statementPage(t *testing.T) []byte {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	price := func(rate string) billing.Tariff {
		perMinute, err := billing.ParseDecimal(rate)
		require.NoError(t, err)
		return billing.Tariff{Currency: "USD", Versions: []billing.Version{{
			EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
			Rules:         []billing.Rule{{RatePerMinute: perMinute, FirstInterval: 60, NextInterval: 6}},
		}}}
	}
	for i := range 29 {
		end := time.Date(2026, 3, 1+i, 9+i%8, 7*i%60, 13*i%60, 0, time.UTC).Unix()
		seconds := int64(40 + 97*i)
		record := tencent.CallRecord{
			CallID: fmt.Sprintf("%08x-bc8a-469c-a334-1126c8c17d58", 0x55662e1+i*0x1a2b3c5), Caller: "patient-1001",
			MediaType: tencent.MediaVideo, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
			StartTime: end - seconds - 8, AcceptTime: end - seconds, EndTime: end,
		}
		charge, err := billing.Rate(record, "standard", price("0.12"), record.EndedAt())
		require.NoError(t, err)
		booked, _, err := l.Charge(t.Context(), ledger.Entry{
			SDKAppID: 1400000000, App: "clinic", Record: record, Charge: charge, WorkflowID: "call:1400000000:" + record.CallID, FirstRunID: "run",
		})
		require.NoError(t, err)
		if i == 1 {
			cheaper, err := billing.Rate(record, "standard", price("0.10"), record.EndedAt())
			require.NoError(t, err)
			_, _, err = l.Replace(t.Context(), booked.Key, cheaper, ledger.Correction{Operator: "alice", Reason: "ticket 4711: charged by last year's tariff"})
			require.NoError(t, err)
		}
	}
	var out, problems bytes.Buffer
	code := cli.Run(context.Background(), cli.Process{Environ: map[string]string{"LEDGER_URL": url}, Stdout: &out, Stderr: &problems},
		[]string{"ledger", "statement", "--payer", "patient-1001", "--month", "2026-03", "--output", "html"})
	require.Equal(t, cli.OK, code, problems.String())
	return out.Bytes()
}
