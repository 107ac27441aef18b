package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"go.temporal.io/api/serviceerror"

	"aftercall/internal/config"
	"aftercall/workflows"
)

// deliveryReport is a delivery of its own: of a correction, or sent again.
type deliveryReport struct {
	ID      string    `json:"id"`
	State   string    `json:"state"`
	Started time.Time `json:"started"`
	Link    string    `json:"link,omitempty"`
	// Targets is null when no worker answers.
	Targets []workflows.DeliveryStatus `json:"targets"`
}

// deliveries are the Delivers of a call, the first one first. The call's own
// workflow has its own.
func (t *tools) deliveries(ctx context.Context, app *config.App, callID string) ([]deliveryReport, error) {
	all := []deliveryReport{}
	err := t.each(ctx, fmt.Sprintf("WorkflowType = %q AND %s = %q AND %s = %q", workflows.DeliverName,
		workflows.AttributeApp.GetName(), app.Name, workflows.AttributeCallID.GetName(), callID),
		func(e *workflowpb.WorkflowExecutionInfo) error {
			d := deliveryReport{
				ID: e.GetExecution().GetWorkflowId(), State: state(e.GetStatus()), Started: e.GetStartTime().AsTime(),
				Link: t.link(e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()),
			}
			status, err := t.status(ctx, d.ID, e.GetExecution().GetRunId())
			if err != nil {
				return fmt.Errorf("no worker says how far the delivery %s is: %w", d.ID, err)
			}
			if status != nil {
				d.Targets = status.Deliveries
			}
			all = append([]deliveryReport{d}, all...) // the server lists the newest first
			return nil
		})
	return all, err
}

// status asks a workflow how far it is; nil before its first task.
func (t *tools) status(ctx context.Context, id, runID string) (*workflows.Status, error) {
	status, err := ask(ctx, func(ctx context.Context) (*workflows.Status, error) {
		value, err := t.temporal.QueryWorkflow(ctx, id, runID, workflows.QueryStatus)
		if err != nil {
			return nil, err
		}
		var status workflows.Status
		return &status, value.Get(&status)
	})
	if errors.As(err, new(*serviceerror.WorkflowNotReady)) {
		return nil, nil //nolint:nilnil // nothing is wrong, and there is nothing to say yet
	}
	return status, err
}
