package cli

import (
	"bytes"
	"context"
	"database/sql"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testconfig"
)

const clinic = tencent.SDKAppID(1400000000)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	mistake = ledger.Correction{Reason: "wrong number", Operator: "alice"}
)

// ledgerTest is a ledger with the environment in which commands find it.
type ledgerTest struct {
	t       *testing.T
	ledger  *ledger.Ledger
	environ map[string]string
}

func newLedgerTest(t *testing.T) *ledgerTest {
	t.Helper()
	return newLedgerTestAt(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
}

func newLedgerTestAt(t *testing.T, url string) *ledgerTest {
	t.Helper()
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return &ledgerTest{t: t, ledger: l, environ: map[string]string{"LEDGER_URL": url}}
}

// run runs a command of aftercall.
func (l *ledgerTest) run(args ...string) (code int, stdout, stderr string) {
	l.t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), Process{Environ: maps.Clone(l.environ), Stdout: &out, Stderr: &errs}, args)
	return code, out.String(), errs.String()
}

// prints runs a command that must succeed.
func (l *ledgerTest) prints(args ...string) string {
	l.t.Helper()
	code, stdout, stderr := l.run(args...)
	require.Equal(l.t, OK, code, stderr)
	return stdout
}

// tariff charges rate for every begun minute.
func tariff(t *testing.T, code, rate string) billing.Tariff {
	t.Helper()
	price, err := billing.ParseDecimal(rate)
	require.NoError(t, err)
	return billing.Tariff{Currency: code, Versions: []billing.Version{{
		EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}
}

// charge books the charge of a call that was connected for the given seconds.
func (l *ledgerTest) charge(callID, payer string, end time.Time, seconds int64, t billing.Tariff, seen ...attendance.Event) ledger.Entry {
	l.t.Helper()
	return l.chargePaidBy(nil, callID, payer, end, seconds, t, seen...)
}

// chargePaidBy is charge for a call that is paid as the rules say.
func (l *ledgerTest) chargePaidBy(payers billing.Payers, callID, caller string, end time.Time, seconds int64, t billing.Tariff, seen ...attendance.Event) ledger.Entry {
	l.t.Helper()
	record := tencent.CallRecord{
		CallID: callID, Caller: caller, MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: end.Unix() - seconds - 9, AcceptTime: end.Unix() - seconds, EndTime: end.Unix(), Members: []string{caller, "doctor-17"},
	}
	rater, err := billing.NewRater("standard", t)
	require.NoError(l.t, err)
	rater, err = rater.PaidBy(payers)
	require.NoError(l.t, err)
	c, err := rater.Rate(record, end, seen...)
	require.NoError(l.t, err)
	e, _, err := l.ledger.Charge(l.t.Context(), ledger.Entry{
		SDKAppID: clinic, App: "clinic", Record: record, Charge: c, WorkflowID: "call:1400000000:" + callID, FirstRunID: "run-" + callID,
		Differences: []tencent.Difference{{Field: "AcceptTime", Callback: "0", Record: "1772366339"}},
	})
	require.NoError(l.t, err)
	return e
}

// configure writes a configuration in which the clinic is charged rate for every
// begun minute.
func (l *ledgerTest) configure(rate string) {
	l.t.Helper()
	l.configureVersion(testconfig.Version(rate))
}

// configureVersion is configure with a version of the tariff.
func (l *ledgerTest) configureVersion(version testconfig.Map) {
	l.t.Helper()
	l.configureWith(func(c *testconfig.Config) {
		c.Tariffs["standard"] = testconfig.Map{"currency": "USD", "versions": []testconfig.Map{version}}
	})
}

// configureWith writes a configuration with changes.
func (l *ledgerTest) configureWith(change func(*testconfig.Config)) {
	l.t.Helper()
	c := testconfig.New()
	c.Tariffs["in-yen"] = testconfig.Tariff("JPY", "20")
	change(c)
	path := filepath.Join(l.t.TempDir(), "aftercall.yaml")
	require.NoError(l.t, c.Write(path))
	l.environ["AFTERCALL_CONFIG"] = path
	l.environ["TEMPORAL_ADDRESS"] = "127.0.0.1:1" // nothing listens on this port
}

// corrected is a ledger with a corrected, a reversed and a plain charge.
func corrected(t *testing.T) *ledgerTest {
	t.Helper()
	l := newLedgerTest(t)
	l.correct()
	return l
}

// correct books the entries of corrected.
func (l *ledgerTest) correct() {
	t := l.t
	t.Helper()
	first := l.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	second := l.charge("call-2", "patient-2", noon.Add(time.Hour), 30, tariff(t, "USD", "0.12"))
	l.charge("call-3", "patient-1", noon.Add(24*time.Hour), 130, tariff(t, "JPY", "20"))
	higher, err := billing.Rate(first.Record, "standard", tariff(t, "USD", "0.15"), noon)
	require.NoError(t, err)
	_, _, err = l.ledger.Replace(t.Context(), first.Key, higher, mistake)
	require.NoError(t, err)
	_, _, err = l.ledger.Reverse(t.Context(), second.Key, mistake)
	require.NoError(t, err)
}

// tamper changes the ledger despite its triggers, which it puts back.
func (l *ledgerTest) tamper(statement string) {
	l.t.Helper()
	db, err := sql.Open("sqlite", l.environ["LEDGER_URL"][len("sqlite:"):])
	require.NoError(l.t, err)
	defer db.Close()
	var trigger string
	require.NoError(l.t, db.QueryRowContext(l.t.Context(), "SELECT sql FROM sqlite_master WHERE name = 'ledger_entries_no_update'").Scan(&trigger))
	for _, s := range []string{"DROP TRIGGER ledger_entries_no_update", statement, trigger} {
		_, err := db.ExecContext(l.t.Context(), s)
		require.NoError(l.t, err, s)
	}
}
