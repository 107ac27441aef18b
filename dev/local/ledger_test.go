package local_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	"aftercall/workflows"
)

// TestCorrections reverses, rerates and adjusts charges of the samples, twice.
func TestCorrections(t *testing.T) {
	ctx := testContext(t)
	samples := local.Samples()[:2]
	ran, others, err := shared.RunSamples(ctx, samples)
	require.NoError(t, err)
	require.Empty(t, local.Deviations(ran, others))
	for range 2 { // nothing is booked or sent twice
		printed, deviations := shared.CorrectCharges(ctx, ran[0], ran[1])
		require.Empty(t, deviations)
		require.Contains(t, printed, "every amount was computed again and is right")
	}
	shown := shared.Command(ctx, "ledger", "show", ran[1].Call.Record.CallID)
	require.Equal(t, cli.OK, shown.Code, shown.Stderr)
	require.Contains(t, shown.Stdout, "The call costs 0.34 USD: 0.44 USD by\ncharge.2:1400000000:")
	status := shared.Command(ctx, "call", ran[1].Call.Record.CallID)
	require.Equal(t, cli.OK, status.Code, status.Stderr)
	require.Regexp(t, `(?s)^Call .*\nStatus  +done: corrected, costs 0.34 USD now\n`+
		`.*\nLedger .* USD for \d+ s.*charge:1400000000:.*\nLedger  +-.* USD for \d+ s.*reversal:1400000000:.*by night shift: goodwill`+
		`.*\nLedger  +0.44 USD for .*charge.2:1400000000:.*\nLedger  +-0.10 USD, booked 20.*\n +adjustment:1400000000:.*by night shift: the picture froze\nCosts  +0.34 USD now\n`, status.Stdout)

	// A callback after Redis and Temporal have forgotten the call finds it handled,
	// although its tariff now gives another amount.
	for _, r := range ran {
		second := afterAllForgot(t, r.Call, r.Execution)
		require.NoError(t, second.Err)
		require.Equal(t, workflows.OutcomeAlreadyHandled, second.Result.Outcome)
		require.Empty(t, second.Result.Deliveries)
	}
}

// TestReviewCommands lists a call in review, and decides about it, first with
// invalid decisions.
func TestReviewCommands(t *testing.T) {
	ctx := testContext(t)
	call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5, Record: json.RawMessage(`{"CallResult":"Vanished"}`),
	})
	require.NoError(t, err)
	id := call.Record.CallID
	var listed []struct {
		CallID string `json:"call_id"`
		Reason string `json:"reason"`
	}
	require.Eventually(t, func() bool {
		o := shared.Command(ctx, "review", "list", "--app", "clinic", "--output", "json")
		if o.Code != cli.OK { // a workflow does not answer yet
			return false
		}
		require.NoError(t, json.Unmarshal([]byte(o.Stdout), &listed))
		for _, l := range listed {
			if l.CallID == id {
				require.Contains(t, l.Reason, `CallResult "Vanished" is unknown`)
				return true
			}
		}
		return false
	}, testTimeout, 50*time.Millisecond)
	table := shared.Command(ctx, "review", "list")
	require.Contains(t, table.Stdout, id)

	decide := func(args ...string) local.CommandResult {
		return shared.Command(ctx, append([]string{"review", "decide"}, args...)...)
	}
	refused := decide(id, "--verdict", "charge")
	require.Equal(t, cli.Usage, refused.Code)
	require.Contains(t, refused.Stderr, "missing: --operator NAME")
	refused = decide(id, "--verdict", "charge-as", "--operator", "alice", "--reason", "x")
	require.Contains(t, refused.Stderr, "--connected-seconds: must be from 1")
	unknown := decide("nobody", "--verdict", "waive", "--operator", "alice", "--reason", "x")
	require.Equal(t, cli.NotFound, unknown.Code)

	decided := decide(id, "--verdict", "charge", "--operator", "alice", "--reason", "it did happen")
	require.Equal(t, cli.OK, decided.Code, decided.Stderr)
	require.Contains(t, decided.Stdout, "Decided: charged, 0.24 USD for 120 s.\nLedger entry: charge:1400000000:"+id)
	followed, err := local.Follow(ctx, shared.Temporal, call)
	require.NoError(t, err)
	require.NoError(t, followed.Err)
	again := decide(id, "--verdict", "waive", "--operator", "bob", "--reason", "x")
	require.Equal(t, cli.Refused, again.Code)
	require.Contains(t, again.Stderr, "the call is not in review")
	require.Contains(t, shared.Command(ctx, "ledger", "show", id).Stdout, "by alice: it did happen")
}

// TestCorrectionWhileTemporalIsDown books a reversal without notifying, and notifies
// when the command is repeated.
func TestCorrectionWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)
	call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5})
	require.NoError(t, err)
	_, err = local.Follow(ctx, stack.Temporal, call)
	require.NoError(t, err)

	require.NoError(t, stack.StopPart("temporal"))
	args := []string{"ledger", "reverse", call.Record.CallID, "--operator", "alice", "--reason", "dead line"}
	down := stack.Command(ctx, args...)
	require.Equal(t, cli.Incomplete, down.Code)
	require.Contains(t, down.Stdout, "Booked reversal:1400000000:")
	require.Contains(t, down.Stderr, "is booked, but the targets are not notified")
	require.Contains(t, down.Stderr, "repeat the same command")

	require.NoError(t, stack.StartTemporal(ctx))
	require.Eventually(t, func() bool { return stack.Command(ctx, args...).Code == cli.OK }, testTimeout, 50*time.Millisecond)
	require.Eventually(t, func() bool { return stack.Arrivals("crm", call.Record.CallID) == 2 }, testTimeout, 50*time.Millisecond)
	require.Equal(t, cli.OK, stack.Command(ctx, "ledger", "verify").Code)
}
