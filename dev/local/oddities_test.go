package local_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/ops"
	"aftercall/workflows"
)

// TestOddCallsAgainstTheRealStack holds a sample of the oddities that
// dev/tencentsim tests in full, each between calls that are not odd.
func TestOddCallsAgainstTheRealStack(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)
	const app = 1400000000
	place := func(spec tencentsim.CallSpec) tencentsim.Call {
		t.Helper()
		spec.SDKAppID, spec.Seconds, spec.EndedAgoSeconds = app, 61, 5
		call, err := stack.Tencent.PlaceCall(spec)
		require.NoError(t, err)
		return call
	}
	requireCharged := func(call tencentsim.Call) {
		t.Helper()
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		require.Equal(t, workflows.OutcomeCharged, f.Result.Outcome)
		require.Equal(t, "0.24", f.Result.Amount)
	}
	odd := func(field string, kind tencentsim.OddKind) []tencentsim.Oddity {
		return []tencentsim.Oddity{{Field: field, Kind: kind}}
	}
	charged := []tencentsim.Call{
		place(tencentsim.CallSpec{OddRecord: odd("Caller_Account", tencentsim.OddNumber)}),
		place(tencentsim.CallSpec{OddRecord: odd("EndTime", tencentsim.OddAsText)}),
		place(tencentsim.CallSpec{}),
		place(tencentsim.CallSpec{OddCallback: odd("EndTime", tencentsim.OddOutOfRange)}),
		place(tencentsim.CallSpec{OddCallback: odd("CalleeList_Account", tencentsim.OddObject)}),
		place(tencentsim.CallSpec{CallID: "通话-1%"}),
		place(tencentsim.CallSpec{}),
	}
	reviewed := []tencentsim.Call{
		place(tencentsim.CallSpec{OddRecord: odd("EndTime", tencentsim.OddObject)}),
		place(tencentsim.CallSpec{OddRecord: odd("Caller_Account", tencentsim.OddNotUTF8)}),
		place(tencentsim.CallSpec{OddRecord: odd("CallId", tencentsim.OddNull), CallID: "é\u00a0"}),
	}
	require.NoError(t, stack.Tencent.Wait(ctx))
	for _, call := range charged {
		requireCharged(call)
	}
	for i, field := range []string{"EndTime", "Caller_Account", "CallId"} {
		require.NoError(t, stack.AwaitReview(ctx, reviewed[i]))
		var reviews []ops.Review
		listed := stack.Command(ctx, "review", "list", "-o", "json")
		require.NoError(t, json.Unmarshal([]byte(listed.Stdout), &reviews), listed.Stderr)
		found := false
		for _, r := range reviews {
			if r.CallID == reviewed[i].Record.CallID {
				found = true
				require.Contains(t, r.Reason, field)
				require.True(t, strings.HasPrefix(r.Raw, `{`), r.Raw)
			}
		}
		require.True(t, found, "the command has the CallId as Tencent wrote it")
	}
}
