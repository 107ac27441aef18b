package local_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/cli"
	"aftercall/internal/notify"
	"aftercall/workflows"
)

// maxHistorySize is far below the limits of the server, 2 MiB for a payload, 4 MiB
// for a message and 50 MiB for a history.
const maxHistorySize = 512 << 10

// TestLargeRecords has calls with far more members than a call can have, against
// the limits of a real server.
func TestLargeRecords(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)
	const app = 1400000000
	start := func(spec tencentsim.CallSpec) tencentsim.Call {
		t.Helper()
		spec.SDKAppID, spec.Seconds, spec.EndedAgoSeconds, spec.Lose = app, 61, 10, true
		call, err := stack.Tencent.PlaceCall(spec)
		require.NoError(t, err)
		o := stack.Command(ctx, "start", call.Record.CallID, "--app", "clinic")
		require.Equal(t, cli.OK, o.Code, o.Stderr)
		return call
	}
	members := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("%032d", i) // as long as Tencent's accounts can be
		}
		return list
	}
	historySize := func(call tencentsim.Call) int64 {
		d, err := stack.Temporal.DescribeWorkflowExecution(ctx, local.WorkflowID(call), "")
		require.NoError(t, err)
		return d.GetWorkflowExecutionInfo().GetHistorySizeBytes()
	}
	for _, n := range []int{1000, 30_000, 45_000} {
		// The target fails at first, so that a regular activity carries the event too.
		id := fmt.Sprintf("members-%d", n)
		require.NoError(t, stack.Webhooks.Fail(webhookreceiver.Failure{Target: "crm", CallID: id, Times: 1, Status: 503}))
		call := start(tencentsim.CallSpec{CallID: id, Members: members(n)})
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		require.Equal(t, workflows.OutcomeCharged, f.Result.Outcome)
		require.Equal(t, "0.24", f.Result.Amount)
		for _, delivery := range f.Result.Deliveries {
			require.True(t, delivery.Delivered, delivery.Target)
		}
		require.Equal(t, call.Record.Members, entriesOf(ctx, t, stack, call)[0].Record.Members, "the ledger has them all")
		require.Less(t, historySize(call), int64(maxHistorySize))
		events := stack.Webhooks.Received(webhookreceiver.Filter{Target: "crm", CallID: id})
		require.NotEmpty(t, events)
		var event notify.Event
		require.NoError(t, json.Unmarshal(events[0].Body, &event))
		require.Equal(t, call.Record.Members[:len(event.Call.Members)], event.Call.Members)
		if n > 1000 {
			require.Equal(t, n, event.Call.MembersTotal)
			require.Greater(t, len(event.Call.Members), 500)
		} else {
			require.Len(t, event.Call.Members, n)
			require.Zero(t, event.Call.MembersTotal)
		}
		_, err = stack.Resend(ctx, id)
		require.NoError(t, err)
	}
	room := start(tencentsim.CallSpec{CallID: "room", RoomID: strings.Repeat("r", 1<<20)})
	require.NoError(t, stack.AwaitReview(ctx, room))
	require.Less(t, historySize(room), int64(maxHistorySize))
	o := stack.Command(ctx, "review", "decide", "room", "--verdict", "charge", "--operator", "alice", "--reason", "the room is not charged")
	require.Equal(t, cli.OK, o.Code, o.Stderr)
}
