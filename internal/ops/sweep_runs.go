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

	"aftercall/workflows"
)

// SweepRun is one run of a sweep or backfill.
type SweepRun struct {
	WorkflowID string `json:"workflow_id"`
	// State is running, completed, failed, cancelled or terminated.
	State     string    `json:"state"`
	StartedAt time.Time `json:"started_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	Link      string    `json:"link,omitempty"`
	// BackfillCounts are those so far; zero where no worker answers for a running one.
	BackfillCounts
	// CorrectedFrom is the progress that the run found in the future and discarded.
	CorrectedFrom time.Time `json:"corrected_from,omitzero"`
	// Failure says why the run failed or stopped, or what it retries.
	Failure string `json:"failure,omitempty"`
}

// readLastRun reads the result of the last run, or what it is at.
func (d *Deps) readLastRun(ctx context.Context, s *SweepStatus) error {
	run := s.LastRun
	if run == nil || run.WorkflowID == "" {
		return nil
	}
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return c.DescribeWorkflowExecution(ctx, run.WorkflowID, "")
	})
	if errors.As(err, new(*serviceerror.NotFound)) {
		s.LastRun = nil
		return nil
	}
	if err != nil {
		return d.temporalError(err)
	}
	return d.readRun(ctx, run, found)
}

// readRun reads what a sweep or backfill has done.
func (d *Deps) readRun(ctx context.Context, run *SweepRun, found *workflowservice.DescribeWorkflowExecutionResponse) error {
	info := found.GetWorkflowExecutionInfo()
	id, runID := info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()
	run.WorkflowID, run.State, run.StartedAt, run.Link = id, stateName(info.GetStatus()), info.GetStartTime().AsTime(), d.link(id, runID)
	if info.GetCloseTime() != nil {
		run.ClosedAt = info.GetCloseTime().AsTime()
	}
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		for _, p := range d.pendingActivities(found) {
			run.Failure = p.LastFailure
		}
		progress, err := d.backfillProgress(ctx, id)
		if err != nil && !errors.As(err, new(*serviceerror.WorkflowNotReady)) {
			return fmt.Errorf("no worker answers for %s: %w", id, err)
		}
		run.BackfillCounts = newBackfillCounts(progress)
		return nil
	}
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	result, err := ask(ctx, func(ctx context.Context) (r workflows.SweepResult, err error) {
		err = c.GetWorkflow(ctx, id, runID).Get(ctx, &r)
		return r, err
	})
	run.Failure, run.BackfillCounts, run.CorrectedFrom = causeMessage(err), newBackfillCounts(result), result.CorrectedFrom
	if err == nil {
		run.Failure = result.Failure
	}
	return nil
}

// readBackfills finds the backfills of the app that are running.
func (d *Deps) readBackfills(ctx context.Context, s *SweepStatus) error {
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	prefix := "backfill:" + s.SDKAppID.String() + ":"
	query := fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running'", workflows.SweepName)
	return d.eachWorkflow(ctx, query, func(e *workflowpb.WorkflowExecutionInfo) error {
		if !strings.HasPrefix(e.GetExecution().GetWorkflowId(), prefix) {
			return nil
		}
		found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
			return c.DescribeWorkflowExecution(ctx, e.GetExecution().GetWorkflowId(), "")
		})
		if err != nil {
			return d.temporalError(err)
		}
		var run SweepRun
		err = d.readRun(ctx, &run, found)
		s.Backfills = append(s.Backfills, run)
		return err
	})
}
