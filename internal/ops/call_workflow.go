package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/internal/config"
	"aftercall/workflows"
)

// WorkflowStatus is the workflow of a call.
type WorkflowStatus struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// State is running, completed, failed, cancelled or terminated.
	State string `json:"state"`
	// Source is callback, sweep or manual: what started it.
	Source    string    `json:"source"`
	StartedAt time.Time `json:"started_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	Link      string    `json:"link,omitempty"`
	// Status is null when no worker answers, or before the first workflow task.
	Status *workflows.Status `json:"status"`
	// Pending are the steps that are running or will be retried.
	Pending []PendingActivity `json:"pending"`
	// Failure says why the workflow failed.
	Failure string `json:"failure,omitempty"`
}

// readWorkflow describes the call's workflow, if the namespace still has it.
func (d *Deps) readWorkflow(ctx context.Context, s *CallStatus) error {
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	id := workflows.AfterCallID(s.SDKAppID, s.CallID)
	found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return c.DescribeWorkflowExecution(ctx, id, "")
	})
	if errors.As(err, new(*serviceerror.NotFound)) {
		s.TemporalAnswered = true
		return nil
	}
	if err != nil {
		return d.temporalError(err)
	}
	s.TemporalAnswered = true
	info := found.GetWorkflowExecutionInfo()
	w := &WorkflowStatus{
		WorkflowID: id, RunID: info.GetExecution().GetRunId(), State: stateName(info.GetStatus()),
		Source: keyword(info, workflows.AttributeSource.GetName()), StartedAt: info.GetStartTime().AsTime(),
		Pending: d.pendingActivities(found),
	}
	w.Link = d.link(id, w.RunID)
	if info.GetCloseTime() != nil {
		w.ClosedAt = info.GetCloseTime().AsTime()
	}
	s.Workflow = w
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_FAILED {
		_, err := ask(ctx, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, c.GetWorkflow(ctx, id, w.RunID).Get(ctx, nil)
		})
		w.Failure = causeMessage(err)
	}
	if w.Status, err = d.queryStatus(ctx, id, w.RunID); err != nil {
		return fmt.Errorf("no worker answers for the workflow: %w", err)
	}
	return nil
}

// summarize says in which stage a running workflow is, and what it waits for.
func (w *WorkflowStatus) summarize() string {
	if w.Status == nil {
		return "running"
	}
	s := w.Status
	switch {
	case s.Stage == workflows.StageReview && s.Review != nil:
		return fmt.Sprintf("waits for a person's decision since %s: %s", s.Review.Since.Format(time.RFC3339), s.Review.Reason)
	case s.WaitingFor != "":
		return fmt.Sprintf("in stage %s, waits since %s for %s", s.Stage, s.Since.Format(time.RFC3339), s.WaitingFor)
	default:
		return fmt.Sprintf("running, in stage %s", s.Stage)
	}
}

// DeliveryWorkflow is a workflow that delivers one event: of a correction, or
// resent.
type DeliveryWorkflow struct {
	WorkflowID string    `json:"workflow_id"`
	State      string    `json:"state"`
	StartedAt  time.Time `json:"started_at"`
	Link       string    `json:"link,omitempty"`
	// Targets is null when no worker answers.
	Targets []workflows.DeliveryStatus `json:"targets"`
}

// deliveriesQuery is the List Filter of the delivery workflows of a call. Temporal
// finds no value with quotes or backslashes, however they are escaped, and takes
// other characters as they are. So for such a CallId, the filter matches all
// delivery workflows of the app.
func deliveriesQuery(app, callID string) string {
	query := fmt.Sprintf("WorkflowType = '%s' AND %s = '%s'", workflows.DeliverName, workflows.AttributeApp.GetName(), app)
	if strings.ContainsAny(callID, `'"\`) {
		return query
	}
	return query + fmt.Sprintf(" AND %s = '%s'", workflows.AttributeCallID.GetName(), callID)
}

// deliveries finds the delivery workflows of a call, the oldest first.
func (d *Deps) deliveries(ctx context.Context, app *config.App, callID string) ([]DeliveryWorkflow, error) {
	all := []DeliveryWorkflow{}
	err := d.eachWorkflow(ctx, deliveriesQuery(app.Name, callID),
		func(e *workflowpb.WorkflowExecutionInfo) error {
			id, runID := e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()
			if sdkAppID, of, ok := workflows.ParseDeliverID(id); !ok || sdkAppID != app.SDKAppID || of != callID {
				return nil
			}
			w := DeliveryWorkflow{WorkflowID: id, State: stateName(e.GetStatus()), StartedAt: e.GetStartTime().AsTime(), Link: d.link(id, runID)}
			status, err := d.queryStatus(ctx, id, runID)
			if err != nil {
				return fmt.Errorf("no worker answers for the delivery %s: %w", id, err)
			}
			if status != nil {
				w.Targets = status.Deliveries
			}
			all = append([]DeliveryWorkflow{w}, all...) // visibility lists the newest first
			return nil
		})
	return all, err
}
