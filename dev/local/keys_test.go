package local_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/billing"
	"aftercall/internal/codec"
	"aftercall/internal/keyring"
	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

const (
	oldKey = "old:b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE="
	newKey = "new:bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE="
)

// TestKeys enables encryption while calls are in review, rotates the key, and
// removes it: a call whose history cannot be read waits, and continues when the
// key is back.
func TestKeys(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	environ := map[string]string{}
	stack := startStack(t, func(o *local.Options) { o.Environ = environ })
	// use restarts starter and worker with other keys, and uses them in the test too.
	use := func(keys string) {
		t.Helper()
		environ[codec.Variable] = keys
		require.NoError(t, stack.StopPart("starter"))
		require.NoError(t, stack.StopPart("worker"))
		require.NoError(t, stack.StartWorker(ctx))
		require.NoError(t, stack.LaunchPart("starter", local.Service{}, nil))
		require.Eventually(t, func() bool { return stack.Ready(ctx) == nil }, testTimeout, 50*time.Millisecond)
		client, _, err := temporalclient.NewClient(temporalclient.Environment{"TEMPORAL_ADDRESS": stack.Ports().TemporalAddress(), codec.Variable: keys}, nil, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		stack.Temporal.Close()
		stack.Temporal = client
	}
	review := func() tencentsim.Call {
		t.Helper()
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{
			SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5, Record: json.RawMessage(`{"CallResult":"Vanished"}`),
		})
		require.NoError(t, err)
		require.NoError(t, stack.AwaitReview(ctx, call))
		return call
	}
	decide := func(call tencentsim.Call) {
		t.Helper()
		require.NoError(t, stack.Decide(ctx, call, workflows.DecideParams{Verdict: billing.VerdictWaive, By: "night shift", Reason: "unknown"}))
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		require.Equal(t, workflows.OutcomeWaived, f.Result.Outcome)
	}

	plain := review()
	use(oldKey)
	first, second := review(), review()
	decide(plain) // started before encryption was enabled

	use(newKey + "," + oldKey)
	rotated := review()
	require.Equal(t, "new", inputKey(ctx, t, stack, rotated))
	require.Equal(t, "old", inputKey(ctx, t, stack, first))

	// Without the old key, or without any, the workflow task of a call that needs it
	// fails, but not the workflow.
	for keys, call := range map[string]tencentsim.Call{newKey: first, "": second} {
		use(keys)
		require.NoError(t, stack.Temporal.SignalWorkflow(ctx, local.WorkflowID(call), "", "wake", nil))
		require.Contains(t, failedTask(ctx, t, stack, keys, call), `encrypted with key "old", which is not in AFTERCALL_PAYLOAD_KEYS`)
		description, err := stack.Temporal.DescribeWorkflowExecution(ctx, local.WorkflowID(call), "")
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, description.GetWorkflowExecutionInfo().GetStatus())
	}
	use(newKey + "," + oldKey)
	for _, call := range []tencentsim.Call{first, second, rotated} {
		decide(call)
	}
}

// inputKey returns the ID of the key that encrypted the input of a call's workflow.
func inputKey(ctx context.Context, t *testing.T, s *local.Stack, call tencentsim.Call) string {
	t.Helper()
	started := rawHistory(ctx, t, s, &commonpb.WorkflowExecution{WorkflowId: local.WorkflowID(call)})[0]
	return string(started.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0].GetMetadata()[codec.MetadataKeyID])
}

// failedTask waits until a workflow task of a call has failed, and returns the cause.
func failedTask(ctx context.Context, t *testing.T, s *local.Stack, keys string, call tencentsim.Call) (cause string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, event := range rawHistory(ctx, t, s, &commonpb.WorkflowExecution{WorkflowId: local.WorkflowID(call)}) {
			if failed := event.GetWorkflowTaskFailedEventAttributes(); failed != nil {
				k, err := keyring.Parse(keys)
				require.NoError(t, err)
				cause = codec.NewFailureConverter(k, codec.NewDataConverter(k)).FailureToError(failed.GetFailure()).Error()
			}
		}
		return cause != ""
	}, testTimeout, 50*time.Millisecond)
	return cause
}
