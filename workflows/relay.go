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

// RelayName is the registered name of the workflow Relay.
const RelayName = "Relay"

// RelayID is the workflow ID of one callback: deliveries with the same body are
// the same callback.
func RelayID(p activities.ForwardParams) string {
	hash := sha256.Sum256(p.Body)
	return "relay:" + p.SDKAppID.String() + ":" + string(p.Command) + ":" + p.CallID + ":" + hex.EncodeToString(hash[:8])
}

// RelayOptions start Relay exactly once for a callback.
func RelayOptions(p activities.ForwardParams, taskQueue string) client.StartWorkflowOptions {
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

// Relay passes one callback on to the app's own backend, as it came. It fails
// when the backend refuses the callback, or does not take it within the horizon.
func Relay(ctx workflow.Context, p activities.ForwardParams) error {
	p.Since = workflow.Now(ctx)
	return attempt(ctx, notifyOptions, "relay "+string(p.Command), func(err error) {
		workflow.SetCurrentDetails(ctx, "waiting for the app's backend: "+reason(err))
	}, steps.Forward, p, nil)
}
