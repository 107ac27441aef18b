package ledger_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

// testAdjustExisting migrates a ledger while a process of the release before has it
// open, which goes on charging.
func testAdjustExisting(t *testing.T, url string) {
	require.NoError(t, ledger.MigrateTo(context.Background(), url, 8))
	older := openSQL(t, url)
	first := entry(t, "call-1", "run-1", "0.05")
	steps, err := json.Marshal(first.Charge.Steps)
	require.NoError(t, err)
	record, err := json.Marshal(first.Record)
	require.NoError(t, err)
	tariff := first.Charge.Tariff
	_, err = older.ExecContext(t.Context(), "INSERT INTO ledger_tariffs (hash, edition) VALUES ($1, $2)", tariff.Hash, string(tariff.VersionJSON))
	require.NoError(t, err)
	book := func(key, kind, amount string) error {
		_, err := older.ExecContext(t.Context(), `INSERT INTO ledger_entries (key, kind, revision, sdk_app_id, app, call_id, payer, media_type, call_type, result,
  start_time, accept_time, end_time, connected_seconds, billed_seconds, participants, amount, currency, tariff, tariff_from, tariff_hash, steps, record, differences,
  workflow_id, first_run_id, reason, operator)
VALUES ($1, $2, 1, 1400000000, 'clinic', 'call-1', '10001', 'Audio', 'SingleCall', 'NormalEnd', $3, $4, $5, 61, 120, 1, $6, 'USD', 'standard', $7, $8, $9, $10, 'null', 'w', 'r', '', '')`,
			key, kind, first.Record.StartTime, first.Record.AcceptTime, first.Record.EndTime, amount, tariff.EffectiveFrom.UTC().Format(time.RFC3339Nano), tariff.Hash, string(steps), string(record))
		return err
	}
	require.ErrorContains(t, book("k", "adjustment", "1"), "constraint", "it is not migrated yet")
	require.NoError(t, book("charge:1400000000:call-1", "charge", "0.10"))

	l := open(t, url)
	adjust(t, l, "call-1", 1, "-0.04")
	requireSum(t, l, "call-1", "0.06 USD")
	v, err := l.Verify(t.Context(), ledger.Evidence{}, func(f ledger.Finding) { t.Error(f) }, nil)
	require.NoError(t, err)
	require.EqualValues(t, 2, v.Entries)
	charge(t, l, entry(t, "call-2", "run-2", "0.05"))
	require.ErrorContains(t, book("charge:1400000000:call-3", "charge", "-0.10"), "constraint")
	require.NoError(t, book("charge:1400000000:call-3", "charge", "0.10"), "the other process")
	if strings.HasPrefix(url, "sqlite:") {
		var intact string
		require.NoError(t, older.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&intact))
		require.Equal(t, "ok", intact)
	}
}

// testOlderReleaseReverses: a release that does not know adjustments leaves them when it
// reverses a charge. That is found, and can be cured.
func testOlderReleaseReverses(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	first := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	credit := adjust(t, l, "call-1", 1, "-0.01")
	execute(t, openSQL(t, url), strings.Replace(copyAs, "FROM", `'reversal:1400000000:call-1', 'reversal', 1, '`+first.Key+`', '-0.10', 'r', 'o',
replace(steps, '{"kind":"tariff"', '{"kind":"reversal"') FROM`, 1))
	_, findings := verify(t, l)
	require.Contains(t, strings.Join(findings, "\n"), credit.Key+": adjusts a call whose charge was reversed, so that it costs -0.01 USD: reverse the adjustment, too")
	_, inserted, err := l.Reverse(ctx, credit.Key, mistake)
	require.NoError(t, err)
	require.True(t, inserted)
	_, findings = verify(t, l)
	require.NotContains(t, strings.Join(findings, "\n"), "adjust")
}
