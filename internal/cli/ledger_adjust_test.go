package cli

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

// adjusting are the arguments that adjust a call.
func adjusting(callID, amount string, more ...string) []string {
	return append([]string{"ledger", "adjust", callID, "--amount", amount, "--operator", "alice", "--reason", "the picture froze"}, more...)
}

func newAdjustTest(t *testing.T) *ledgerTest {
	t.Helper()
	l := newLedgerTest(t)
	l.configure("0.12")
	l.charge("call-1", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	return l
}

func TestAdjust(t *testing.T) {
	t.Parallel()
	l := newAdjustTest(t)
	code, stdout, stderr := l.run(adjusting("call-1", "-0.10", "--dry-run")...)
	require.Equal(t, OK, code, stderr)
	require.Equal(t, "Would book adjustment:1400000000:call-1: -0.10 USD.\nThe call would cost 0.14 USD, instead of 0.24.\n", stdout)
	require.Equal(t, "note: nothing was booked; without --dry-run it is\n", stderr)
	require.Len(t, l.entries("call-1"), 1)

	code, stdout, stderr = l.run(adjusting("call-1", "-0.1")...)
	require.Equal(t, Incomplete, code, "only Temporal does not answer")
	require.Equal(t, "Booked adjustment:1400000000:call-1: -0.10 USD.\nThe call costs 0.14 USD now, instead of 0.24.\n", stdout)
	require.Contains(t, stderr, "adjustment:1400000000:call-1 is booked, but the targets are not notified")
	require.Contains(t, stderr, "once Temporal answers, repeat the same command")

	for _, dryRun := range []string{"--dry-run=false", "--dry-run"} {
		_, stdout, _ = l.run(adjusting("call-1", "-0.100", dryRun)...)
		require.Regexp(t, `(?s)^It was booked before, at .* by alice \(the picture froze\):\nnothing was booked. To adjust .* once more, add --number 2.\nThe call costs 0.14 USD.\n$`, stdout)
	}
	require.Len(t, l.entries("call-1"), 2)
	code, _, stderr = l.run("ledger", "adjust", "call-1", "--amount", "-0.10", "--operator", "bob", "--reason", "a complaint")
	require.Equal(t, Refused, code, "two operators handle one complaint")
	require.Regexp(t, `nothing was booked: the call was adjusted by -0.10 USD before, at .* by alice \(the picture froze\)\n  → to adjust it once more, repeat the command with --number 2\n`, stderr)
	for range 2 { // --number is safe to repeat, too
		_, stdout, _ = l.run(adjusting("call-1", "-0.10", "--number", "2")...)
		require.Contains(t, stdout, "The call costs 0.04 USD")
	}
	require.Len(t, l.entries("call-1"), 3)
	code, _, stderr = l.run(adjusting("call-1", "+1.5 USD", "--number", "2")...)
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "the adjustment 2 of the call is another one, of -0.10 USD by alice (the picture froze)\n  → look at the call: aftercall ledger show call-1\n")
	_, stdout, _ = l.run(adjusting("call-1", "+1.5 USD")...)
	require.Contains(t, stdout, "Booked adjustment.3:1400000000:call-1: 1.50 USD.\nThe call costs 1.54 USD now, instead of 0.04.\n")

	var result map[string]any
	_, stdout, _ = l.run(adjusting("call-1", "+1.5", "-o", "json", "--dry-run")...)
	require.NoError(t, json.Unmarshal([]byte(stdout), &result))
	require.Equal(t, []any{"1.50", "USD", "1.54", false, false, 3.0, 4.0},
		[]any{result["amount"], result["currency"], result["new_amount"], result["booked"], result["reversed"], result["number"], result["next"]})
	require.Contains(t, l.prints("ledger", "verify"), "  1.54 USD: 1 charges, 0 reversals, 3 adjustments\n")
	require.Contains(t, l.prints("ledger", "report"), "CHARGES  REVERSALS  ADJUSTMENTS  BILLED    AMOUNT\n")
}

// TestAdjustRefuses: what cannot be an adjustment of the call books nothing, and the
// message names the cure.
func TestAdjustRefuses(t *testing.T) {
	t.Parallel()
	l := newAdjustTest(t)
	l.charge("free", "patient-1", noon, 0, tariff(t, "USD", "0.12"))
	l.charge("payerless", "", noon, 0, tariff(t, "USD", "0.12"))
	l.charge("reversed", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	_, _, err := l.ledger.Reverse(t.Context(), "charge:1400000000:reversed", mistake)
	require.NoError(t, err)
	l.charge("two apps", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	other := l.entries("two apps")[0]
	other.SDKAppID, other.App = 1400000001, "school"
	_, _, err = l.ledger.Charge(t.Context(), other)
	require.NoError(t, err)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{adjusting("call-1", "0"), Usage, "--amount: an adjustment of 0 changes nothing"},
		{adjusting("call-1", "-0"), Usage, "--amount: an adjustment of 0 changes nothing"},
		{adjusting("call-1", "-0.00"), Usage, "--amount: an adjustment of 0 changes nothing"},
		{adjusting("call-1", "1e-3"), Usage, `--amount: "1e-3" must be written without an exponent, as in 0.05`},
		{adjusting("call-1", "0.1.0"), Usage, `--amount: "0.1.0" must be a decimal number`},
		{adjusting("call-1", "−0,10"), Usage, `--amount: "−0,10" must be written with a point`},
		{adjusting("call-1", "−0.10"), Usage, `--amount: "−0.10" must be a decimal number`},
		{adjusting("call-1", "+-0.10"), Usage, `--amount: "+-0.10" must be a decimal number`},
		{adjusting("call-1", "--0.10"), Usage, "--amount"},
		{adjusting("call-1", ""), Usage, "--amount"},
		{adjusting("call-1", "$0.10"), Usage, "must be a decimal number"},
		{adjusting("call-1", "0.10USD"), Usage, "must be a decimal number"},
		{adjusting("call-1", "9999999999999"), Usage, "has more digits than a price can have"},
		{adjusting("call-1", "-0.001"), Usage, "--amount: the call is charged 0.24 USD, with 2 digits after the point, and -0.001 has 3"},
		{adjusting("call-1", "-0.10 EUR"), Usage, "--amount: the call is charged in USD, not in EUR"},
		{adjusting("call-1", "-0.10 usd"), Usage, "--amount: usd is not a currency"},
		{adjusting("call-1", "-0.25"), Refused, "the call costs 0.24 USD, and would cost -0.01 USD: it must not cost less than nothing\n  → if it must, add --force"},
		{adjusting("call-1", "-999999999999"), Refused, "would cost -999999999998.76 USD"},
		{adjusting("call-1", "-0.10", "--number", "0"), Incomplete, "is booked, but the targets are not notified"},
		{adjusting("call-1", "-0.10", "--number", "-1"), Usage, "--number"},
		{adjusting("call-1", "-0.10", "--number", "5"), Refused, "the next adjustment of the call has the number 2, not 5"},
		{adjusting("call-1", "-0.10", "--app", "klinik"), Usage, "klinik"},
		{adjusting("two apps", "-0.10"), Usage, "the apps clinic and school both have a call two apps\n  → name one of them with --app"},
		{adjusting("free", "-0.01"), Refused, "the call costs 0.00 USD, and would cost -0.01 USD"},
		{adjusting("payerless", "0.10"), Refused, "it is not known who pays for this call"},
		{adjusting("reversed", "-0.01"), Refused, "the charge of the call was reversed, so there is nothing to adjust\n  → to charge it again: aftercall ledger reverse --undo reversed"},
		{adjusting("nobody's call", "-0.01"), NotFound, "the ledger has no entry of call nobody's call\n  → find out where the call is: aftercall call "},
		{[]string{"ledger", "adjust", "call-1", "--operator", "a", "--reason", "b"}, Usage, "--amount"},
		{[]string{"ledger", "adjust", "call-1", "--amount", "--operator", "a", "--reason", "b"}, Usage, `--amount: "--operator" is a flag, not a number`},
		{[]string{"ledger", "adjust", "call-1", "--amount", "-0.01", "--reason", "b"}, Usage, "missing: --operator NAME"},
	} {
		code, _, stderr := l.run(c.args...)
		require.Equal(t, c.code, code, "%q: %s", c.args, stderr)
		require.Contains(t, stderr, c.want)
	}
	require.Len(t, l.entries("call-1"), 2, "one of them")
	code, stdout, _ := l.run(adjusting("call-1", "-0.25", "--force")...)
	require.Equal(t, Incomplete, code)
	require.Contains(t, stdout, "The call costs -0.11 USD now, instead of 0.14.")
	require.Contains(t, l.prints("ledger", "show", "call-1"), "below zero, by the decision of the operator")
	l.prints("ledger", "verify")
}

// TestReverseAdjustments: an adjustment is reversed by its number, and with its charge.
func TestReverseAdjustments(t *testing.T) {
	t.Parallel()
	l := newAdjustTest(t)
	l.run(adjusting("call-1", "-0.10")...)
	l.run(adjusting("call-1", "0.50")...)
	reverse := func(more ...string) []string {
		return append([]string{"ledger", "reverse", "call-1", "--operator", "bob", "--reason", "a mistake"}, more...)
	}
	code, _, stderr := l.run(reverse("--adjustment", "3")...)
	require.Equal(t, NotFound, code)
	require.Contains(t, stderr, "--adjustment: the call has no adjustment 3\n  → look at the call: aftercall ledger show call-1")
	code, _, stderr = l.run(reverse("--adjustment", "1", "--undo")...)
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "--undo takes back the reversal of a charge, not of an adjustment")

	_, stdout, _ := l.run(reverse("--adjustment", "1")...)
	require.Equal(t, "Booked adjustment-reversal:1400000000:call-1: 0.10 USD.\nThe call costs 0.74 USD now.\n", stdout)
	_, stdout, _ = l.run(adjusting("call-1", "-0.10")...)
	require.Contains(t, strings.ReplaceAll(stdout, "\n", " "), "and reversed since: nothing was booked", "the repetition of a command that got no answer")
	_, stdout, _ = l.run(adjusting("call-1", "-0.60")...)
	require.Contains(t, stdout, "The call costs 0.14 USD now")
	code, _, stderr = l.run(reverse("--adjustment", "2")...)
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "the call costs 0.14 USD, and would cost -0.36 USD: it must not cost less than nothing\n  → if it must, add --force")

	_, stdout, _ = l.run(reverse()...)
	require.Equal(t, `Booked reversal:1400000000:call-1: -0.24 USD.
Booked adjustment-reversal.2:1400000000:call-1: -0.50 USD.
Booked adjustment-reversal.3:1400000000:call-1: 0.60 USD.
The call costs 0.00 USD now.
`, stdout)
	require.Contains(t, l.prints("ledger", "show", "call-1"), "The call is charged nothing: its charge was reversed.")
	_, stdout, _ = l.run(reverse("--undo")...)
	require.Contains(t, stdout, "Booked charge.2:1400000000:call-1: 0.24 USD.\nBooked adjustment.4:1400000000:call-1: 0.50 USD.\nBooked adjustment.5:1400000000:call-1: -0.60 USD.\nThe call costs 0.14 USD now.\n")
	require.Contains(t, strings.ReplaceAll(l.prints("ledger", "show", "call-1"), "\n", " "),
		"The call costs 0.14 USD: 0.24 USD by charge.2:1400000000:call-1, and 0.50 USD by adjustment.4:1400000000:call-1, -0.60 USD by adjustment.5:1400000000:call-1.")
	l.prints("ledger", "verify")
}

// TestRerateOfAdjustedCalls: adjustments remain, and the call does not cost less than
// nothing.
func TestRerateOfAdjustedCalls(t *testing.T) {
	t.Parallel()
	l := newAdjustTest(t)
	l.charge("call-2", "patient-1", noon, 61, tariff(t, "USD", "0.12"))
	l.run(adjusting("call-1", "-0.10")...)
	l.run(adjusting("call-2", "-0.20")...)
	l.configure("0.09")
	const kept = "skipped: call-2: the call costs 0.04 USD, and would cost -0.02 USD: it must not\n         cost less than nothing\n"
	out := l.prints("ledger", "rerate")
	require.Contains(t, out, kept, "a dry run says so, too")
	require.Contains(t, out, "Compared 2 charges: 1 differ.\n")
	_, out, _ = l.run("ledger", "rerate", "--apply", "--operator", "bob", "--reason", "cheaper")
	require.Contains(t, out, kept)
	require.Contains(t, strings.ReplaceAll(l.prints("ledger", "show", "call-1"), "\n", " "), "The call costs 0.08 USD: 0.18 USD by charge.2:1400000000:call-1, and -0.10 USD by adjustment:1400000000:call-1.")
	require.Contains(t, l.prints("ledger", "rerate", "--use-tariff", "in-yen"), "the call has adjustments in USD, and would be charged in JPY:\n         reverse them first\n")
	l.prints("ledger", "verify")
}

// TestRerateOfReversedCalls: the answer names the command that charges them again, and
// it works.
func TestRerateOfReversedCalls(t *testing.T) {
	t.Parallel()
	l := newLedgerTest(t)
	l.configure("0.12")
	for _, id := range []string{"-call 1", "call-2"} {
		l.charge(id, "patient-1", noon, 61, tariff(t, "USD", "0.12"))
		_, _, err := l.ledger.Reverse(t.Context(), "charge:1400000000:"+id, mistake)
		require.NoError(t, err)
	}
	for _, args := range [][]string{{"--from", "2026-03-01"}, {"--app", "clinic"}, nil} {
		out := l.prints(append([]string{"ledger", "rerate"}, args...)...)
		require.Contains(t, out, "skipped: -call 1: its charge was reversed, by alice (wrong number); to charge it\n")
		require.Contains(t, out, "skipped: call-2: its charge was reversed, by alice (wrong number); to charge it\n")
		require.Contains(t, out, "Nothing was compared: all these charges were reversed.\n")
		require.NotContains(t, out, "Compared 0")
	}
	require.Equal(t, "Compared 0 charges: 0 differ.\n", l.prints("ledger", "rerate", "--from", "2026-04-01"))
	out := l.prints("ledger", "rerate", "--call=-call 1")
	cure := regexp.MustCompile(`(?s)to charge it\s+again: aftercall (.*?)\n[^ ]`).FindStringSubmatch(out)
	require.NotNil(t, cure, out)
	args := strings.Fields(strings.ReplaceAll(cure[1], "'-call 1'", "CALL"))
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "CALL", "-call 1")
	}
	code, stdout, stderr := l.run(append([]string{args[0], args[1], "--operator", "bob", "--reason", "right"}, args[2:]...)...)
	require.Equal(t, Incomplete, code, stderr)
	require.Contains(t, stdout, "Booked charge.2:1400000000:-call 1: 0.24 USD.\n")
	live, charged := ledger.Live(l.entries("-call 1"))
	require.True(t, charged)
	require.Equal(t, 2, live.Revision)
	require.Contains(t, l.prints("ledger", "rerate"), "Compared 1 charges: 0 differ.\n")
}
