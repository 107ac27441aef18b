package launch

import (
	"context"
	"errors"
	"fmt"

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
// call, so nothing is charged twice whatever happens in between. Nor are targets
// notified twice: if the workflow has completed, it has notified them. An error
// that Temporal gives to this call alone is a *activities.PermanentStartError.
func (c Calls) StartUncharged(ctx context.Context, p workflows.AfterCallParams, again activities.StartAgain) (activities.StartOutcome, error) {
	already, err := c.Start(ctx, p, "")
	if err != nil {
		return "", asPermanent(err)
	}
	if !already {
		return activities.StartedFirst, nil
	}
	outcome, completed, err := c.inspect(ctx, p.SDKAppID, p.CallID)
	switch {
	case err != nil:
		return "", err
	case outcome != activities.StartedAgain && outcome != activities.StartedFirst:
		return outcome, nil
	}
	if again.InLedger != nil {
		found, err := again.InLedger(ctx)
		if err != nil {
			return "", fmt.Errorf("look whether the call is in the ledger: %w", err)
		}
		if found {
			return activities.InLedger, nil
		}
	}
	p = p.Shortened()
	p.Lead, p.Notified = workflows.StartLead, completed && !again.Notify
	options := workflows.AfterCallOptions(p, c.taskQueue, "", c.now())
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
	outcome, _, err := c.inspect(ctx, app, callID)
	return outcome, err
}

// inspect is Inspect. completed means that the workflow has done all that it had to.
func (c Calls) inspect(ctx context.Context, app tencent.SDKAppID, callID string) (outcome activities.StartOutcome, completed bool, err error) {
	id := workflows.AfterCallID(app, callID)
	description, err := c.client.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return activities.StartedFirst, false, nil
	}
	if err != nil {
		return "", false, asPermanent(fmt.Errorf("describe workflow %s: %w", id, err))
	}
	switch description.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return activities.ChargeFailed, false, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return activities.StartedAgain, true, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return activities.StartedAgain, false, nil
	default:
		return activities.StillRunning, false, nil
	}
}

func asPermanent(err error) error {
	if temporalclient.Refused(err) {
		return &activities.PermanentStartError{Err: err}
	}
	return err
}
