package local

import (
	"context"
	"errors"
	"fmt"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"aftercall/dev/tencentsim"
	"aftercall/workflows"
)

// Execution is the workflow of a call after it has ended.
type Execution struct {
	WorkflowID, RunID string
	Status            enumspb.WorkflowExecutionStatus
	Result            workflows.AfterCallResult
	// Err is the error the workflow ended with.
	Err error
	// Source is what started the workflow, from its search attribute.
	Source workflows.Source
	// Events and Transitions are the numbers of history events and state transitions.
	Events, Transitions int64
}

// Follow waits until the workflow of a call has been started and has ended.
func Follow(ctx context.Context, c client.Client, call tencentsim.Call) (Execution, error) {
	f := Execution{WorkflowID: WorkflowID(call)}
	if err := poll(ctx, func(ctx context.Context) (bool, error) {
		_, err := c.DescribeWorkflowExecution(ctx, f.WorkflowID, "")
		if errors.As(err, new(*serviceerror.NotFound)) {
			return false, nil
		}
		return err == nil, err
	}); err != nil {
		return f, fmt.Errorf("no workflow was started for call %s: %w", call.Record.CallID, err)
	}
	run := c.GetWorkflow(ctx, f.WorkflowID, "")
	f.Err = run.Get(ctx, &f.Result)
	if ctx.Err() != nil {
		return f, fmt.Errorf("the workflow of call %s has not ended: %w", call.Record.CallID, ctx.Err())
	}
	description, err := c.DescribeWorkflowExecution(ctx, f.WorkflowID, "")
	if err != nil {
		return f, fmt.Errorf("describe the workflow of call %s: %w", call.Record.CallID, err)
	}
	info := description.GetWorkflowExecutionInfo()
	f.RunID, f.Status = info.GetExecution().GetRunId(), info.GetStatus()
	if err := converter.GetDefaultDataConverter().FromPayload(
		info.GetSearchAttributes().GetIndexedFields()[workflows.AttributeSource.GetName()], &f.Source); err != nil {
		return f, fmt.Errorf("source of call %s: %w", call.Record.CallID, err)
	}
	f.Events, f.Transitions = info.GetHistoryLength(), info.GetStateTransitionCount()
	return f, nil
}

// AwaitSettled waits until a call is done, or waits for a person or a target, and
// returns its status.
func AwaitSettled(ctx context.Context, c client.Client, call tencentsim.Call) (status workflows.Status, err error) {
	err = poll(ctx, func(ctx context.Context) (bool, error) {
		value, err := c.QueryWorkflow(ctx, WorkflowID(call), "", workflows.QueryStatus)
		if err != nil {
			// A query waits for the workflow task under way, and fails where a worker is too
			// busy to run it.
			if errors.As(err, new(*serviceerror.DeadlineExceeded)) || errors.As(err, new(*serviceerror.QueryFailed)) {
				return false, nil
			}
			return false, unlessNotStarted(err)
		}
		if err := value.Get(&status); err != nil {
			return false, err
		}
		return settled(status), nil
	})
	return status, err
}

func settled(status workflows.Status) bool {
	switch status.Stage {
	case workflows.StageReview, workflows.StageDone, workflows.StageUndelivered:
		return true
	case workflows.StageNotify:
		return slices.ContainsFunc(status.Deliveries, func(d workflows.DeliveryStatus) bool { return d.Reason != "" })
	default:
		return false
	}
}
