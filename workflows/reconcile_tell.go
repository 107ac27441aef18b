package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/notify"
)

// tell notifies the targets that want to hear of recovered calls, once per
// sweep or backfill, by a workflow of its own: no target may hold a sweep up.
func (r *reconcile) tell(ctx workflow.Context) {
	p, done, info := r.params, r.done, workflow.GetInfo(ctx)
	if done.Recovered == 0 || p.DryRun {
		return
	}
	params := DeliverParams{
		MessageID: notify.MessageID(p.SDKAppID, info.FirstRunID, notify.EventSweepRecovered),
		Event: notify.Event{
			Type: notify.EventSweepRecovered, Version: notify.EventVersion, Timestamp: workflow.Now(ctx).UTC(),
			Sweep: &notify.SweepData{
				App: p.App, SDKAppID: p.SDKAppID, Listed: done.Listed, Known: done.Known, Recovered: done.Recovered, Failed: done.Failed,
				Examples: done.Examples, From: done.From.UTC(), To: done.To.UTC(),
			},
		},
	}
	// A sweep that was cancelled has recovered calls all the same.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            DeliverID(params.Event, info.FirstRunID),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         "Delivery of " + string(params.Event.Type),
		TypedSearchAttributes: deliverAttributes(params.Event),
	}), DeliverName, params)
	if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		workflow.GetLogger(ctx).Error("nobody is told of the recovered calls", "app", p.App, "error", err)
	}
}
