package operator_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

var signed = []string{"--operator", "alice", "--reason", "old price list"}

// entries are all of a call.
func (w *world) entries(callID string) []ledger.Entry {
	w.t.Helper()
	entries, err := w.book.Get(w.t.Context(), clinic, callID)
	require.NoError(w.t, err)
	return entries
}

// With nobody to announce it, a correction is booked, and the command says what
// is left to do.
func TestReverseWithoutTemporal(t *testing.T) {
	w := newWorld(t)
	w.configure("0.12")
	w.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	args := append([]string{"ledger", "reverse", "call-1"}, signed...)
	code, stdout, stderr := w.run(args...)
	require.Equal(t, cli.Incomplete, code)
	require.Equal(t, "Booked reversal:1400000000:call-1: -0.24 USD.\n", stdout)
	require.Contains(t, stderr, "reversal:1400000000:call-1 is booked, but nobody was told")
	require.Contains(t, stderr, "once Temporal answers, repeat the same command")

	code, stdout, _ = w.run(args...)
	require.Equal(t, cli.Incomplete, code)
	require.Contains(t, stdout, "by alice (old price list): nothing was booked.")
	require.Len(t, w.entries("call-1"), 2)
}

func TestReverseRefuses(t *testing.T) {
	w := newWorld(t)
	w.configure("0.12")
	w.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	code, _, stderr := w.run("ledger", "reverse", "call-1", "--reason", "x")
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, "operator: is missing: say who corrects the ledger")
	code, _, stderr = w.run(append([]string{"ledger", "reverse", "nobody"}, signed...)...)
	require.Equal(t, cli.NotFound, code)
	require.Contains(t, stderr, "no charge of call nobody")

	e := w.entries("call-1")[0]
	e.SDKAppID, e.App = 1400000001, "school"
	_, _, err := w.book.Charge(t.Context(), e)
	require.NoError(t, err)
	code, _, stderr = w.run(append([]string{"ledger", "reverse", "call-1"}, signed...)...)
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, "the apps clinic and school both have a call call-1")
	require.Len(t, w.entries("call-1"), 1, "nothing was booked")
}

// dearer is a ledger of calls at 0.12 a minute whose app now charges 0.15.
func dearer(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.configure("0.15")
	w.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	w.charge("call-2", "patient-2", noon.Add(24*time.Hour), 30, tariff(t, "USD", "0.12"))
	w.charge("call-3", "patient-3", noon, 30, tariff(t, "USD", "0.15")) // as it is now
	w.charge("call-4", "patient-4", noon, 30, tariff(t, "USD", "0.12"))
	_, _, err := w.book.Reverse(t.Context(), "charge:1400000000:call-4", mistake)
	require.NoError(t, err)
	return w
}

func TestRerateIsADryRunUnlessItIsApplied(t *testing.T) {
	w := dearer(t)
	code, stdout, stderr := w.run("ledger", "rerate")
	require.Equal(t, cli.OK, code)
	require.Equal(t, `CALL    APP     WAS       NOW       DIFFERENCE
call-1  clinic  0.24 USD  0.30 USD  +0.06
call-2  clinic  0.12 USD  0.15 USD  +0.03

Compared 3 charges: 2 differ.
In total they were 0.36 USD and come to 0.45 USD: +0.09.
`, stdout)
	require.Contains(t, stderr, "Nothing was booked.")
	require.Len(t, w.entries("call-1"), 1)

	require.Contains(t, w.prints("ledger", "rerate", "--from", "2026-03-02"), "Compared 1 charges: 1 differ.\n")
	yen := w.prints("ledger", "rerate", "--call", "call-1", "--price-list", "in-yen")
	require.Contains(t, yen, "call-1  clinic  0.24 USD  40 JPY\n")
	require.Contains(t, yen, "In total they were 0 JPY and come to 40 JPY: +40.\nIn total they were 0.24 USD and come to 0 USD: -0.24.\n")
	var r struct {
		Compared    int
		Differences []map[string]any
		Totals      []map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(w.prints("ledger", "rerate", "-o", "json")), &r))
	require.Equal(t, 3, r.Compared)
	require.Len(t, r.Differences, 2)
	require.Equal(t, []map[string]string{{"currency": "USD", "was": "0.36", "now": "0.45", "difference": "+0.09"}}, r.Totals)

	code, _, stderr = w.run("ledger", "rerate", "--price-list", "stadnard")
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, `the configuration has no tariff "stadnard"`)
	code, _, stderr = w.run("ledger", "rerate", "--apply")
	require.Equal(t, cli.Usage, code)
	require.Contains(t, stderr, "a correction is signed")
	require.Len(t, w.entries("call-1"), 1)
}

func TestRerateApplied(t *testing.T) {
	w := dearer(t)
	args := append([]string{"ledger", "rerate", "--apply"}, signed...)
	code, stdout, stderr := w.run(args...)
	require.Equal(t, cli.Incomplete, code)
	require.Contains(t, stdout, "call-1  clinic  0.24 USD  0.30 USD  +0.06       charge.2:1400000000:call-1\n")
	require.Contains(t, stdout, "Of 2 corrections nobody was told.\n")
	require.Contains(t, stderr, "repeat the same command")
	live, ok := ledger.Live(w.entries("call-1"))
	require.True(t, ok)
	require.Equal(t, "0.30 USD", live.Charge.Amount.String())
	require.Equal(t, "alice", live.Operator)
	require.Len(t, w.entries("call-4"), 2, "what was reversed stays so")

	_, stdout, _ = w.run(args...)
	require.Equal(t, "Compared 3 charges: 0 differ.\nOf 2 corrections nobody was told.\n", stdout, "nothing more is booked, and the telling is tried again")
	_, stdout, _ = w.run("ledger", "rerate", "--apply", "--operator", "bob", "--reason", "curious")
	require.Equal(t, "Compared 3 charges: 0 differ.\n", stdout, "it is not bob's to tell")
	require.Contains(t, w.prints("ledger", "verify"), "every sum was computed again and is right")
}

func TestRerateLeavesAloneWhatNeedsAPerson(t *testing.T) {
	w := newWorld(t)
	w.configure("0.15")
	decided := w.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	e := decided
	e.Record.CallID, e.Record.Result = "call-2", "Vanished"
	rater, err := billing.NewRater("standard", tariff(t, "USD", "0.12"))
	require.NoError(t, err)
	e.Charge, err = rater.Decide(e.Record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300})
	require.NoError(t, err)
	_, _, err = w.book.Charge(t.Context(), e)
	require.NoError(t, err)
	ancient := w.charge("call-3", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	ancient.Record.CallID = "call-4"
	ancient.SDKAppID = tencent.SDKAppID(99)
	_, _, err = w.book.Charge(t.Context(), ancient)
	require.NoError(t, err)

	out := w.prints("ledger", "rerate")
	require.Contains(t, out, "call-2  clinic  0.60 USD  0.75 USD  +0.15\n", "a decision is kept, at another price")
	require.Contains(t, out, "left alone: call-4: its app is not in the configuration\n")

	tooLong := w.charge("call-5", "patient-1", noon, 300, tariff(t, "USD", "0.12"))
	require.Equal(t, "0.60", tooLong.Charge.Amount.Number())
	w.configureText(`{effective_from: 2025-01-01T00:00:00Z, max_duration: 2m, rules: [{rate_per_minute: 0.12, first_interval: 60, next_interval: 60}]}`)
	out = w.prints("ledger", "rerate", "--call", "call-5")
	require.Contains(t, out, "left alone: call-5: needs review: connected for 300 s, longer than the tariff's max_duration of 2m0s\n")
}
