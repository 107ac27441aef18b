package operator_test

import (
	"bytes"
	"context"
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/worker/operator"
)

const clinic = tencent.SDKAppID(1400000000)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	mistake = ledger.Correction{Reason: "says the doctor", Operator: "alice"}
)

// world is a ledger with the environment that commands find it by.
type world struct {
	t       *testing.T
	book    *ledger.Ledger
	environ map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldAt(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
}

func newWorldAt(t *testing.T, url string) *world {
	t.Helper()
	book, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, book.Close()) })
	return &world{t: t, book: book, environ: map[string]string{"LEDGER_URL": url}}
}

// run runs a command of the worker.
func (w *world) run(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	var out, errs bytes.Buffer
	code = operator.Run(context.Background(), cli.Process{Environ: maps.Clone(w.environ), Stdout: &out, Stderr: &errs}, args)
	return code, out.String(), errs.String()
}

// prints runs a command that must succeed.
func (w *world) prints(args ...string) string {
	w.t.Helper()
	code, stdout, stderr := w.run(args...)
	require.Equal(w.t, cli.OK, code, stderr)
	return stdout
}

// tariff charges so much a minute begun, in a currency.
func tariff(t *testing.T, code, rate string) billing.Tariff {
	t.Helper()
	price, err := billing.ParseDecimal(rate)
	require.NoError(t, err)
	return billing.Tariff{Currency: code, Versions: []billing.Version{{
		EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}
}

// charge books a call of so many seconds.
func (w *world) charge(callID, payer string, end time.Time, seconds int64, t billing.Tariff) ledger.Entry {
	w.t.Helper()
	record := tencent.CallRecord{
		CallID: callID, Caller: payer, MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: end.Unix() - seconds - 9, AcceptTime: end.Unix() - seconds, EndTime: end.Unix(), Members: []string{payer, "doctor-17"},
	}
	c, err := billing.Rate(record, "standard", t, end)
	require.NoError(w.t, err)
	e, _, err := w.book.Charge(w.t.Context(), ledger.Entry{
		SDKAppID: clinic, App: "clinic", Record: record, Charge: c, WorkflowID: "call:1400000000:" + callID, FirstRunID: "run-" + callID,
		Differences: []tencent.Difference{{Field: "AcceptTime", Callback: "0", Record: "1772366339"}},
	})
	require.NoError(w.t, err)
	return e
}

// configure gives the world a configuration in which the clinic pays so much.
func (w *world) configure(rate string) {
	w.t.Helper()
	w.configureText(`{effective_from: 2025-01-01T00:00:00Z, rules: [{rate_per_minute: ` + rate + `, first_interval: 60, next_interval: 60}]}`)
}

// configureText is configure with a version of the tariff as YAML.
func (w *world) configureText(version string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "aftercall.yaml")
	require.NoError(w.t, os.WriteFile(path, []byte(`apps:
  - name: clinic
    sdk_app_id: 1400000000
    secret_key: 5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e
    api: singapore
    callback: {secret: a-callback-path-secret}
    tariff: standard
tariffs:
  standard:
    currency: USD
    versions: [`+version+`]
  in-yen:
    currency: JPY
    versions: [{effective_from: 2025-01-01T00:00:00Z, rules: [{rate_per_minute: 20, first_interval: 60, next_interval: 60}]}]
`), 0o600))
	w.environ["AFTERCALL_CONFIG"] = path
	// Nothing listens there.
	w.environ["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
}

// corrected is a ledger with a corrected, a reversed and a plain charge.
func corrected(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.correct()
	return w
}

// correct books what corrected is about.
func (w *world) correct() {
	t := w.t
	t.Helper()
	first := w.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	second := w.charge("call-2", "patient-2", noon.Add(time.Hour), 30, tariff(t, "USD", "0.12"))
	w.charge("call-3", "patient-1", noon.Add(24*time.Hour), 130, tariff(t, "JPY", "20"))
	dearer, err := billing.Rate(first.Record, "standard", tariff(t, "USD", "0.15"), noon)
	require.NoError(t, err)
	_, _, err = w.book.Replace(t.Context(), first.Key, dearer, mistake)
	require.NoError(t, err)
	_, _, err = w.book.Reverse(t.Context(), second.Key, mistake)
	require.NoError(t, err)
}

// tamper changes the ledger past its guards.
func (w *world) tamper(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.environ["LEDGER_URL"][len("sqlite:"):])
	require.NoError(w.t, err)
	defer db.Close()
	for _, s := range []string{"DROP TRIGGER ledger_entries_no_update", statement} {
		_, err := db.ExecContext(w.t.Context(), s)
		require.NoError(w.t, err, s)
	}
}
