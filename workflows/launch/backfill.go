package launch

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/workflows"
)

// Backfill starts Sweep for the time range p.TimeRange, or attaches to the same
// backfill if it is running. One that has ended is started again, which is safe:
// the calls that it started count as known by then.
func (c Calls) Backfill(ctx context.Context, p workflows.SweepParams) (run client.WorkflowRun, attached bool, err error) {
	id := workflows.BackfillID(p)
	run, err = c.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: c.taskQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AttributeApp.ValueSet(p.App), workflows.AttributeSource.ValueSet(string(workflows.SourceSweep)),
		),
		StaticSummary: "Backfill of " + p.App,
	}, workflows.SweepName, p)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &running) {
		return c.client.GetWorkflow(ctx, id, running.RunId), true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("start workflow %s: %w", id, err)
	}
	return run, false, nil
}
