package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/dev/faults/checker"
	"aftercall/workflows"
)

// execution is a workflow in Temporal's list.
type execution struct {
	kind, id, run string
	started       time.Time
	status        enumspb.WorkflowExecutionStatus
}

// executions lists the workflows that match a query, all if it is empty.
func (w *world) executions(ctx context.Context, query string) (all []execution, err error) {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query}
	for {
		listed, err := w.stack.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, e := range listed.GetExecutions() {
			all = append(all, execution{
				kind: e.GetType().GetName(), id: e.GetExecution().GetWorkflowId(), run: e.GetExecution().GetRunId(),
				started: e.GetStartTime().AsTime(), status: e.GetStatus(),
			})
		}
		if request.NextPageToken = listed.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return all, nil
		}
	}
}

// longSweep is how long a sweep may run. There is one a minute.
const longSweep = 3 * time.Minute

// unfinished notes the workflows of every kind that wait, or have not ended well. Sweeps
// and audits run again and again, and fail in an outage; one that counts reviews runs ten
// minutes.
func (w *world) unfinished(ctx context.Context, e *checker.Evidence) error {
	all, err := w.executions(ctx, "")
	if err != nil {
		return err
	}
	for _, x := range all {
		x.judge(time.Now(), e)
	}
	return nil
}

func (w *world) eachEvent(ctx context.Context, x execution, do func(*historypb.HistoryEvent)) error {
	events := w.stack.Temporal.GetWorkflowHistory(ctx, x.id, x.run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return fmt.Errorf("history of %s: %w", x.id, err)
		}
		do(event)
	}
	return nil
}

// judge notes a workflow that waits, or has not ended well.
func (x execution) judge(now time.Time, e *checker.Evidence) {
	note := func(list *[]string, text string) {
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	periodic := x.kind == workflows.SweepName || x.kind == workflows.AuditName
	switch x.status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		if x.kind != workflows.FoldReviewsName && (!periodic || now.Sub(x.started) > longSweep) {
			note(&e.Stuck, "workflow "+x.id)
		}
	default:
		if !periodic || x.status != enumspb.WORKFLOW_EXECUTION_STATUS_FAILED {
			note(&e.Problems, "workflow "+x.id+" is "+x.status.String())
		}
	}
}

// failedTasks notes every workflow task that has failed, of all workflows.
func (w *world) failedTasks(ctx context.Context, e *checker.Evidence) error {
	all, err := w.executions(ctx, "")
	if err != nil {
		return err
	}
	for _, x := range all {
		if err := w.eachEvent(ctx, x, func(event *historypb.HistoryEvent) {
			if problem := failedTask(event); problem != "" {
				e.Problems = append(e.Problems, "workflow "+x.id+" had a "+problem)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// failedTask says why a workflow task has failed, if the event says that one has. That
// something has arrived while a task was completed is no failure: Temporal schedules
// another one. Nor is that a worker that has the workflow in its cache is not sent the
// events before an update: an error of Temporal, after which the next task has them all,
// see https://github.com/temporalio/temporal/issues/7741.
func failedTask(event *historypb.HistoryEvent) string {
	failed := event.GetWorkflowTaskFailedEventAttributes()
	if failed == nil || failed.GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND {
		return ""
	}
	if strings.HasPrefix(failed.GetFailure().GetMessage(), "history_events: premature end of stream") {
		return ""
	}
	return fmt.Sprintf("workflow task that failed: %s: %s", failed.GetCause(), failed.GetFailure().GetMessage())
}

// verified notes what `aftercall ledger verify` finds.
func (w *world) verified(ctx context.Context, e *checker.Evidence) {
	if err := w.stack.Command(ctx, "ledger", "verify").Err(); err != nil {
		e.Problems = append(e.Problems, "ledger verify: "+err.Error())
	}
}
