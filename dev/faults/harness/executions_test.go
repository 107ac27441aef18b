package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"

	"aftercall/dev/faults/checker"
	"aftercall/workflows"
)

// TestEveryWorkflowIsJudged: what waits or has not ended well is found, of whatever kind,
// also if no call is known.
func TestEveryWorkflowIsJudged(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		kind   string
		age    time.Duration
		status enumspb.WorkflowExecutionStatus
		want   checker.Evidence
	}{
		{kind: workflows.AfterCallName, status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED},
		{kind: workflows.AfterCallName, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, want: checker.Evidence{Stuck: []string{"workflow x"}}},
		{kind: workflows.RelayCallbackName, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, want: checker.Evidence{Stuck: []string{"workflow x"}}},
		{kind: workflows.RelayCallbackName, status: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, want: checker.Evidence{Problems: []string{"workflow x is Failed"}}},
		{kind: workflows.DeliverName, status: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, want: checker.Evidence{Problems: []string{"workflow x is Terminated"}}},
		{kind: workflows.FoldReviewsName, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING},
		{kind: workflows.SweepName, status: enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW},
		{kind: workflows.SweepName, status: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED},
		{kind: workflows.AuditName, status: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED},
		{kind: workflows.AuditName, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, age: longSweep},
		{kind: workflows.SweepName, status: enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, want: checker.Evidence{Problems: []string{"workflow x is TimedOut"}}},
		{kind: workflows.SweepName, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, age: longSweep},
		{kind: workflows.SweepName, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, age: longSweep + 1, want: checker.Evidence{Stuck: []string{"workflow x"}}},
	} {
		var e checker.Evidence
		x := execution{kind: test.kind, id: "x", started: now.Add(-test.age), status: test.status}
		x.judge(now, &e)
		x.judge(now, &e) // as of a call that is known already
		require.Equal(t, test.want, e, "%s %s", test.kind, test.status)
	}
}

func TestFailedTask(t *testing.T) {
	failed := func(cause enumspb.WorkflowTaskFailedCause, message string) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{Attributes: &historypb.HistoryEvent_WorkflowTaskFailedEventAttributes{
			WorkflowTaskFailedEventAttributes: &historypb.WorkflowTaskFailedEventAttributes{Cause: cause, Failure: &failurepb.Failure{Message: message}},
		}}
	}
	require.Equal(t, "workflow task that failed: NonDeterministicError: why", failedTask(failed(enumspb.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR, "why")))
	require.Empty(t, failedTask(failed(enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, "")))
	require.Empty(t, failedTask(failed(enumspb.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
		"history_events: premature end of stream, expectedLastEventID=26 but no more events after eventID=24")))
	require.Empty(t, failedTask(&historypb.HistoryEvent{}))
}
