package ops

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/workflows"
)

// readQueue reads the task queue of the sweeps, and whether a worker serves it:
// that of the schedule and, if it is another one, that of the sweep that is open.
func (d *Deps) readQueue(ctx context.Context, s *SweepStatus, found *client.ScheduleDescription) error {
	queues := []string{}
	if action, ok := found.Schedule.Action.(*client.ScheduleWorkflowAction); ok {
		s.TaskQueue = action.TaskQueue
		queues = append(queues, action.TaskQueue)
	}
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	for _, run := range found.Info.RunningWorkflows {
		sweep, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
			return c.DescribeWorkflowExecution(ctx, run.WorkflowID, "")
		})
		if err != nil {
			return d.temporalError(err)
		}
		if sweep.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			queues = append(queues, sweep.GetExecutionConfig().GetTaskQueue().GetName())
		}
	}
	for _, queue := range queues {
		workers, err := d.workersOn(ctx, queue)
		if err != nil {
			return err
		}
		if workers == 0 {
			s.Unserved = queue
		}
	}
	return nil
}

// queueError says that no sweep can run.
func (s *SweepStatus) queueError() error {
	if s.Unserved == "" {
		return nil
	}
	return Errorf(Failed, "start a worker of the right task queue: within two minutes it takes the schedule from a queue without workers, and replaces the sweep that waits there",
		"the sweep %s waits on the task queue %s, which no worker polls", workflows.SweepID(s.SDKAppID), s.Unserved)
}
