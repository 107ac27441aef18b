package cli

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/testconfig"
)

var signed = []string{"--operator", "alice", "--reason", "old tariff"}

// entries are all of a call.
func (l *ledgerTest) entries(callID string) []ledger.Entry {
	l.t.Helper()
	entries, err := l.ledger.Get(l.t.Context(), clinic, callID)
	require.NoError(l.t, err)
	return entries
}

// TestReverseWithoutTemporal: without Temporal a correction is booked, and the
// command says what remains to be done.
func TestReverseWithoutTemporal(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.configure("0.12")
	l.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	args := append([]string{"ledger", "reverse", "call-1"}, signed...)
	code, stdout, stderr := l.run(args...)
	require.Equal(t, Incomplete, code)
	require.Equal(t, "Booked reversal:1400000000:call-1: -0.24 USD.\nThe call costs 0.00 USD now.\n", stdout)
	require.Contains(t, stderr, "reversal:1400000000:call-1 is booked, but the targets are not notified")
	require.Contains(t, stderr, "once Temporal answers, repeat the same command")

	code, stdout, _ = l.run(args...)
	require.Equal(t, Incomplete, code)
	require.Contains(t, stdout, "by alice (old tariff):\nnothing was booked.\nThe call costs 0.00 USD.\n")
	require.Len(t, l.entries("call-1"), 2)
}

func TestReverseRefuses(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.configure("0.12")
	l.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	code, _, stderr := l.run("ledger", "reverse", "call-1", "--reason", "x")
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "missing: --operator NAME\n  → say who decides and why")
	code, _, stderr = l.run(append([]string{"ledger", "reverse", "nobody"}, signed...)...)
	require.Equal(t, NotFound, code)
	require.Contains(t, stderr, "no entry of call nobody")

	for _, more := range [][]string{{"--force"}, {"--force", "--undo"}} {
		code, _, stderr = l.run(append(append([]string{"ledger", "reverse", "call-1"}, more...), signed...)...)
		require.Equal(t, Usage, code)
		require.Contains(t, stderr, "--force: needs --adjustment")
	}

	e := l.entries("call-1")[0]
	e.SDKAppID, e.App = 1400000001, "school"
	_, _, err := l.ledger.Charge(t.Context(), e)
	require.NoError(t, err)
	code, _, stderr = l.run(append([]string{"ledger", "reverse", "call-1"}, signed...)...)
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "the apps clinic and school both have a call call-1")
	require.Len(t, l.entries("call-1"), 1, "nothing was booked")
}

// risingTariff returns a ledger of calls at 0.12 a minute whose app now charges 0.15.
func risingTariff(t *testing.T) *ledgerTest {
	t.Helper()
	l := newLedgerTest(t)
	l.configure("0.15")
	l.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	l.charge("call-2", "patient-2", noon.Add(24*time.Hour), 30, tariff(t, "USD", "0.12"))
	l.charge("call-3", "patient-3", noon, 30, tariff(t, "USD", "0.15")) // as it is now
	l.charge("call-4", "patient-4", noon, 30, tariff(t, "USD", "0.12"))
	_, _, err := l.ledger.Reverse(t.Context(), "charge:1400000000:call-4", mistake)
	require.NoError(t, err)
	return l
}

func TestRerateIsADryRunUnlessItIsApplied(t *testing.T) {
	t.Parallel()
	l := risingTariff(t)
	code, stdout, stderr := l.run("ledger", "rerate")
	require.Equal(t, OK, code)
	require.Equal(t, `CALL ID  APP     PAYER           OLD       NEW  DIFFERENCE
call-1   clinic  patient-1  0.24 USD  0.30 USD       +0.06
call-2   clinic  patient-2  0.12 USD  0.15 USD       +0.03

Compared 3 charges: 2 differ.
Total in USD: 0.36 before, 0.45 now, difference +0.09.
`, stdout)
	require.Equal(t, "note: nothing was booked; --apply --operator NAME --reason TEXT books it\n", stderr)
	require.Len(t, l.entries("call-1"), 1)

	require.Contains(t, l.prints("ledger", "rerate", "--from", "2026-03-02"), "Compared 1 charges: 1 differ.\n")
	yen := l.prints("ledger", "rerate", "--call", "call-1", "--use-tariff", "in-yen")
	require.Contains(t, yen, "call-1   clinic  patient-1  0.24 USD  40 JPY\n")
	require.Contains(t, yen, "Total in JPY: 0 before, 40 now, difference +40.\nTotal in USD: 0.24 before, 0 now, difference -0.24.\n")
	var r struct {
		Compared    int
		Differences []map[string]any
		Totals      []map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "rerate", "-o", "json")), &r))
	require.Equal(t, 3, r.Compared)
	require.Len(t, r.Differences, 2)
	require.Equal(t, []map[string]string{{"currency": "USD", "old_amount": "0.36", "new_amount": "0.45", "difference": "+0.09"}}, r.Totals)

	code, _, stderr = l.run("ledger", "rerate", "--use-tariff", "stadnard")
	require.Equal(t, Usage, code)
	require.Equal(t, "aftercall: --use-tariff: there is no tariff \"stadnard\"\n  → tariffs are: in-yen, standard\n", stderr)
	code, _, stderr = l.run("ledger", "rerate", "--price-list", "standard")
	require.Equal(t, Usage, code)
	require.Equal(t, "aftercall: --price-list is now called --use-tariff\n  → write --use-tariff standard\n", stderr)
	code, _, stderr = l.run("ledger", "rerate", "--apply")
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "missing: --operator NAME and --reason TEXT\n  → say who decides and why")
	require.Len(t, l.entries("call-1"), 1)
}

func TestRerateApplied(t *testing.T) {
	t.Parallel()
	l := risingTariff(t)
	args := append([]string{"ledger", "rerate", "--apply"}, signed...)
	code, stdout, stderr := l.run(args...)
	require.Equal(t, Incomplete, code)
	require.Contains(t, stdout, "call-1   patient-1  0.24 USD  0.30 USD       +0.06  charge.2:1400000000:call-1\n")
	require.Contains(t, stdout, "The targets were not notified of 2 corrections.\n")
	require.Contains(t, stderr, "repeat the same command")
	live, ok := ledger.Live(l.entries("call-1"))
	require.True(t, ok)
	require.Equal(t, "0.30 USD", live.Charge.Amount.String())
	require.Equal(t, "alice", live.Operator)
	require.Len(t, l.entries("call-4"), 2, "a reversed charge stays reversed")

	_, stdout, _ = l.run(args...)
	require.Equal(t, "Compared 3 charges: 0 differ.\nThe targets were not notified of 2 corrections.\n", stdout, "nothing more is booked, and the notification is tried again")
	_, stdout, _ = l.run("ledger", "rerate", "--apply", "--operator", "bob", "--reason", "curious")
	require.Equal(t, "Compared 3 charges: 0 differ.\n", stdout, "it is not bob's correction")
	require.Contains(t, l.prints("ledger", "verify"), "every amount was computed again and is right")
}

// TestRerateByTheAssignedTariff: each call is charged by the tariff that its app had at
// the end of the call.
func TestRerateByTheAssignedTariff(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.configureWith(func(c *testconfig.Config) {
		c.Apps[0]["tariff"] = []testconfig.Map{
			{"name": "in-yen", "effective_from": noon.Format(time.RFC3339)}, {"name": "standard", "effective_from": noon.Add(-time.Hour).Format(time.RFC3339)},
		}
	})
	for callID, end := range map[string]time.Time{"too-early": noon.Add(-time.Hour - time.Second), "before": noon.Add(-time.Second), "after": noon} {
		l.charge(callID, "patient-1", end, 61, tariff(t, "USD", "0.15"))
	}
	out := l.prints("ledger", "rerate")
	require.Contains(t, out, "after    clinic  patient-1  0.30 USD    40 JPY")
	require.Contains(t, out, "before   clinic  patient-1  0.30 USD  0.24 USD       -0.06\n")
	require.Contains(t, out, "skipped: too-early: needs review: no tariff was assigned to the app at\n         2026-03-01T10:59:59Z\n")
	require.Contains(t, out, "Compared 3 charges: 2 differ.\n")
	out = l.prints("ledger", "rerate", "--use-tariff", "standard")
	require.Contains(t, out, "Compared 3 charges: 3 differ.\n", "one tariff for all, whatever is assigned")
}

func TestRerateSkipsCallsThatNeedADecision(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.configure("0.15")
	decided := l.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	e := decided
	e.Record.CallID, e.Record.Result = "call-2", "Vanished"
	rater, err := billing.NewRater("standard", tariff(t, "USD", "0.12"))
	require.NoError(t, err)
	e.Charge, err = rater.Decide(e.Record, billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300})
	require.NoError(t, err)
	_, _, err = l.ledger.Charge(t.Context(), e)
	require.NoError(t, err)
	unknownApp := l.charge("call-3", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	unknownApp.Record.CallID = "call-4"
	unknownApp.SDKAppID = tencent.SDKAppID(99)
	_, _, err = l.ledger.Charge(t.Context(), unknownApp)
	require.NoError(t, err)

	out := l.prints("ledger", "rerate")
	require.Contains(t, out, "call-2   clinic  patient-1  0.60 USD  0.75 USD       +0.15\n", "a decision is kept, at another price")
	require.Contains(t, out, "skipped: call-4: its app is not in the configuration\n")

	tooLong := l.charge("call-5", "patient-1", noon, 300, tariff(t, "USD", "0.12"))
	require.Equal(t, "0.60", tooLong.Charge.Amount.Number())
	version := testconfig.Version("0.12")
	version["max_duration"] = "2m"
	l.configureVersion(version)
	out = l.prints("ledger", "rerate", "--call", "call-5")
	require.Contains(t, out, "skipped: call-5: needs review: connected for 300 s, longer than the tariff's\n         max_duration of 2m0s\n")
}

// TestReverseRacingRerate: the answer of reverse is about the charge that counts. It
// used to say that a charge was reversed which rerate had replaced meanwhile.
func TestReverseRacingRerate(t *testing.T) {
	t.Parallel()
	ledgers := map[string]*ledgerTest{"sqlite": newLedgerTest(t)}
	if url, ok := testenv.Postgres(t); ok {
		ledgers["postgresql"] = newLedgerTestAt(t, url)
	}
	for engine, l := range ledgers {
		l.configure("0.15")
		for i := range 15 {
			callID := fmt.Sprintf("call-%d", i)
			l.charge(callID, "patient-1", noon, 61, tariff(t, "USD", "0.12"))
			rerated := make(chan struct{})
			go func() {
				defer close(rerated)
				l.run(append([]string{"ledger", "rerate", "--apply", "--call", callID}, signed...)...)
			}()
			code, _, stderr := l.run(append([]string{"ledger", "reverse", callID}, signed...)...)
			<-rerated
			live, charged := ledger.Live(l.entries(callID))
			if !charged {
				require.Equal(t, Incomplete, code, "%s: only Temporal does not answer", engine)
				continue
			}
			require.Equal(t, Refused, code, "%s: the call is charged", engine)
			require.Contains(t, stderr, "the call is now charged 0.30 USD by "+live.Key)
		}
	}
}

// TestReversalTakenBack: a mistaken reversal is found by rerate, and taken back.
func TestReversalTakenBack(t *testing.T) {
	t.Parallel()
	l := risingTariff(t)
	out := l.prints("ledger", "rerate", "--call", "call-4")
	require.Contains(t, out, "skipped: call-4: its charge was reversed, by alice (wrong number)")
	require.Contains(t, out, "Nothing was compared: all these charges were reversed.\n")
	undo := []string{"ledger", "reverse", "call-4", "--undo", "--operator", "bob", "--reason", "the number was right"}
	code, stdout, _ := l.run(undo...)
	require.Equal(t, Incomplete, code, "only Temporal does not answer")
	require.Equal(t, "Booked charge.2:1400000000:call-4: 0.12 USD.\nThe call costs 0.12 USD now.\n", stdout)
	_, stdout, _ = l.run(undo...)
	require.Contains(t, stdout, "It was charged again before")
	require.Len(t, l.entries("call-4"), 3)
	require.Contains(t, l.prints("ledger", "rerate", "--call", "call-4"), "Compared 1 charges: 1 differ.\n")
	require.Contains(t, l.prints("ledger", "show", "call-4"), "by bob: the number was right")
	code, _, stderr := l.run("ledger", "reverse", "call-3", "--undo", "--operator", "bob", "--reason", "x")
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "the charge of the call was not reversed: it is charged 0.15 USD")
}
