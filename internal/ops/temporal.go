package ops

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/temporalclient"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// temporalError explains a failure of Temporal.
func (d *Deps) temporalError(err error) error {
	switch {
	case errors.As(err, new(*Error)):
		return err
	case errors.As(err, new(*serviceerror.NamespaceNotFound)):
		_, namespace, _ := d.Temporal()
		return Errorf(Failed, "set TEMPORAL_NAMESPACE, or create it with: temporal operator namespace create", "Temporal: there is no namespace %s", namespace)
	case errors.As(err, new(*serviceerror.PermissionDenied)):
		return Errorf(Failed, "check TEMPORAL_API_KEY or the TEMPORAL_TLS_… settings", "Temporal: %w", err)
	case temporalclient.Refused(err):
		return Errorf(Failed, "another attempt would be refused, too: what is sent must change", "Temporal refuses the request: %w", err)
	case errors.As(err, new(*serviceerror.InvalidArgument)):
		return Errorf(Failed, checkCure, "Temporal refuses the request: %w", err)
	case errors.As(err, new(*serviceerror.ResourceExhausted)):
		return Errorf(Failed, "try again in a moment; Temporal limits the requests of a namespace", "Temporal is busy: %w", err)
	case errors.As(err, new(*serviceerror.NotFound)), errors.As(err, new(*serviceerror.FailedPrecondition)),
		errors.As(err, new(*serviceerror.Unimplemented)), errors.As(err, new(*serviceerror.QueryFailed)):
		return Errorf(Failed, checkCure, "Temporal: %w", err)
	default:
		return Errorf(Failed, "is Temporal up, and TEMPORAL_ADDRESS right?", "Temporal does not answer: %w", err)
	}
}

// starts returns what starts workflows, unless they would wait on the wrong task queue.
func (d *Deps) starts() (launch.Calls, error) {
	settings, err := d.Settings()
	if err != nil {
		return launch.Calls{}, err
	}
	c, _, err := d.Temporal()
	if err != nil {
		return launch.Calls{}, err
	}
	d.queueOnce.Do(func() { d.queueErr = d.checkQueue(d.ctx, settings.TaskQueue) })
	if d.queueErr != nil {
		return launch.Calls{}, d.queueErr
	}
	return launch.NewCalls(c, settings.TaskQueue).WithClock(func() time.Time { return d.now(d.ctx) }), nil
}

// link returns the page of a workflow in the Web UI, empty where the address of
// the Web UI is not configured. runID may be empty.
func (d *Deps) link(workflowID, runID string) string {
	if _, err := d.Config(); err != nil || d.settings.TemporalUIURL == "" {
		return ""
	}
	_, namespace, err := d.Temporal()
	if err != nil {
		return ""
	}
	return temporalclient.WorkflowURL(d.settings.TemporalUIURL, namespace, workflowID, runID)
}

// eachWorkflow calls do for each workflow that a query of Temporal's visibility
// finds, the newest first.
func (d *Deps) eachWorkflow(ctx context.Context, query string, do func(*workflowpb.WorkflowExecutionInfo) error) error {
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	var token []byte
	for {
		page, err := ask(ctx, func(ctx context.Context) (*workflowservice.ListWorkflowExecutionsResponse, error) {
			return c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: token})
		})
		if err != nil {
			return d.temporalError(err)
		}
		for _, e := range page.GetExecutions() {
			if err := do(e); err != nil {
				return err
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return nil
		}
	}
}

// queryStatus asks a workflow for its Status; nil before its first task. A
// worker must answer, except for closed workflows that are still cached.
func (d *Deps) queryStatus(ctx context.Context, workflowID, runID string) (*workflows.Status, error) {
	c, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	status, err := ask(ctx, func(ctx context.Context) (*workflows.Status, error) {
		value, err := c.QueryWorkflow(ctx, workflowID, runID, workflows.QueryStatus)
		if err != nil {
			return nil, err
		}
		var status workflows.Status
		return &status, value.Get(&status)
	})
	if errors.As(err, new(*serviceerror.WorkflowNotReady)) {
		return nil, nil //nolint:nilnil // it has not begun, and nothing is wrong
	}
	if err != nil {
		return nil, err
	}
	return status, nil
}

// PendingActivity is a step of a workflow that is running or will be retried.
type PendingActivity struct {
	Activity string `json:"activity"`
	Attempt  int32  `json:"attempt"`
	// NextAttemptAt is zero while an attempt is running.
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
	LastFailure   string    `json:"last_failure,omitempty"`

	id string // within the workflow
}

// pendingActivities returns the steps that a workflow is at.
func (d *Deps) pendingActivities(found *workflowservice.DescribeWorkflowExecutionResponse) []PendingActivity {
	pending := []PendingActivity{}
	for _, a := range found.GetPendingActivities() {
		p := PendingActivity{id: a.GetActivityId(), Activity: a.GetActivityType().GetName(), Attempt: a.GetAttempt()}
		if a.GetLastFailure() != nil {
			p.LastFailure = d.failureMessage(a.GetLastFailure())
		}
		if a.GetNextAttemptScheduleTime() != nil {
			p.NextAttemptAt = a.GetNextAttemptScheduleTime().AsTime()
		}
		pending = append(pending, p)
	}
	return pending
}

// failureMessage decodes a failure, which may be encrypted.
func (d *Deps) failureMessage(failure *failurepb.Failure) string {
	parts, err := d.openTemporal()
	if err != nil {
		return failure.GetMessage()
	}
	return causeMessage(parts.failures.FailureToError(failure))
}

// causeMessage is the message of the application error in err, or of err.
func causeMessage(err error) string {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return appErr.Message()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// stateName is the status of a workflow in one word.
func stateName(s enumspb.WorkflowExecutionStatus) string {
	switch s {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return "running"
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "completed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return "failed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "cancelled"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	default:
		return s.String()
	}
}

// keyword reads a search attribute, empty if it is not set. Search attributes
// are never encrypted.
func keyword(info *workflowpb.WorkflowExecutionInfo, name string) (s string) {
	payload := info.GetSearchAttributes().GetIndexedFields()[name]
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &s); err != nil {
		return ""
	}
	return s
}
