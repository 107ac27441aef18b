package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"aftercall/activities"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
	"aftercall/internal/tracing"
	"aftercall/workflows"
)

// StartUncharged starts AfterCall for a call that the ledger does not have,
// unless its workflow is running or has failed. A workflow that has ended
// otherwise is no proof of a charge: the ledger may have been restored from an
// older copy, or someone terminated the workflow. So it gets a new run with the
// same ID. The key of the ledger entry and the message IDs are those of the
// call, so nothing is charged or notified twice whatever happens in between.
//
// inLedger is asked right before a workflow is started again, because the one
// that was seen may have just ended with a charge; nil if the ledger cannot be
// asked. An error that Temporal gives to this call alone is a
// *activities.PermanentStartError.
func (c Calls) StartUncharged(
	ctx context.Context, p workflows.AfterCallParams, inLedger func(context.Context) (bool, error),
) (activities.StartOutcome, error) {
	already, err := c.Start(ctx, p, "")
	if err != nil {
		return "", asPermanent(err)
	}
	if !already {
		return activities.StartedFirst, nil
	}
	outcome, err := c.Inspect(ctx, p.SDKAppID, p.CallID)
	switch {
	case err != nil:
		return "", err
	case outcome != activities.StartedAgain && outcome != activities.StartedFirst:
		return outcome, nil
	}
	if inLedger != nil {
		found, err := inLedger(ctx)
		if err != nil {
			return "", fmt.Errorf("look whether the call is in the ledger: %w", err)
		}
		if found {
			return activities.InLedger, nil
		}
	}
	p.Lead = workflows.StartLead
	options := workflows.AfterCallOptions(p, c.taskQueue, "", time.Now())
	// Only here: the latest run has ended, and not with a failure.
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	already, err = c.start(tracing.WithCall(ctx, p.CallID), options, workflows.AfterCallName, p)
	if already {
		return activities.StillRunning, nil
	}
	if err != nil {
		return "", asPermanent(err)
	}
	return outcome, nil
}

// Inspect says what StartUncharged would do for a call that is not in the
// ledger. It asks for the workflow by its ID, which is never behind.
func (c Calls) Inspect(ctx context.Context, app tencent.SDKAppID, callID string) (activities.StartOutcome, error) {
	id := workflows.AfterCallID(app, callID)
	description, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return activities.StartedFirst, nil
	}
	if err != nil {
		return "", asPermanent(fmt.Errorf("describe workflow %s: %w", id, err))
	}
	switch description.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return activities.ChargeFailed, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
		enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return activities.StartedAgain, nil
	default:
		return activities.StillRunning, nil
	}
}

func asPermanent(err error) error {
	if temporalclient.Refused(err) {
		return &activities.PermanentStartError{Err: err}
	}
	return err
}
