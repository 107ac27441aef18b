package workflows

import (
	"crypto/sha256"
	"encoding/hex"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
)

// RelayCallbackName is the registered name of the workflow RelayCallback.
const RelayCallbackName = "RelayCallback"

// RelayID is the workflow ID of the relay of one callback. Two callbacks with
// the same body are the same callback.
func RelayID(p activities.RelayCallbackParams) string {
	hash := sha256.Sum256(p.Body)
	return "relay:" + p.SDKAppID.String() + ":" + escapeCallID(string(p.Command)) + ":" + escapeCallID(p.CallID) + ":" + hex.EncodeToString(hash[:8])
}

// RelayOptions start RelayCallback exactly once for a callback.
func RelayOptions(p activities.RelayCallbackParams, taskQueue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       RelayID(p),
		TaskQueue:                                taskQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Relay of " + string(p.Command),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			AttributeApp.ValueSet(p.App), AttributeSource.ValueSet(string(SourceCallback)),
		),
	}
}

// RelayCallback passes one callback on to the app's own backend, byte for byte.
// It fails when the backend refuses the callback, or does not accept it within
// the retry window.
func RelayCallback(ctx workflow.Context, p activities.RelayCallbackParams) error {
	return relayCallback(ctx, acts.RelayCallback, p)
}

func relayCallback(ctx workflow.Context, activity any, p activities.RelayCallbackParams) error {
	p.Since = workflow.Now(ctx)
	return runDelivery(ctx, "relay "+string(p.Command), func(err error) {
		workflow.SetCurrentDetails(ctx, "waiting for the app's backend: "+errorMessage(err))
	}, activity, p)
}
