package ops

import (
	"context"
	"slices"
	"strings"

	"go.temporal.io/api/workflowservice/v1"

	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

// workersOn is how many workers poll a task queue.
func (d *Deps) workersOn(ctx context.Context, queue string) (int, error) {
	c, _, err := d.Temporal()
	if err != nil {
		return 0, err
	}
	workers, err := ask(ctx, func(ctx context.Context) (int, error) {
		return temporalclient.Workers(ctx, c, queue, temporalclient.LiveFor, d.now(ctx))
	})
	if err != nil {
		return 0, d.temporalError(err)
	}
	return workers, nil
}

// newestWorkflows is how many workflows are searched for their task queues.
const newestWorkflows = 50

// servedQueues are the task queues of the newest workflows and of the sweeps that
// workers poll.
func (d *Deps) servedQueues(ctx context.Context) ([]string, error) {
	c, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	var known, served []string
	for _, query := range []string{"", "WorkflowType = '" + workflows.SweepName + "'"} {
		page, err := ask(ctx, func(ctx context.Context) (*workflowservice.ListWorkflowExecutionsResponse, error) {
			return c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: newestWorkflows})
		})
		if err != nil {
			return nil, d.temporalError(err)
		}
		for _, e := range page.GetExecutions() {
			known = append(known, e.GetTaskQueue())
		}
	}
	slices.Sort(known)
	for _, queue := range slices.Compact(known) {
		workers, err := d.workersOn(ctx, queue)
		if err != nil {
			return nil, err
		}
		if workers > 0 {
			served = append(served, queue)
		}
	}
	return served, nil
}

// checkQueue refuses a task queue without workers if another one has some: then it is
// probably the wrong one, and what is started there would wait. If there is no
// worker at all, that is a note. Where Temporal does not answer, nothing is refused here.
func (d *Deps) checkQueue(ctx context.Context, queue string) error {
	workers, err := d.workersOn(ctx, queue)
	if err != nil || workers > 0 {
		return nil //nolint:nilerr // what is started says so, too
	}
	elsewhere, err := d.servedQueues(ctx)
	if err != nil || len(elsewhere) == 0 {
		d.note("no worker polls the task queue %s: what is started waits until one does", queue)
		return nil //nolint:nilerr // as above
	}
	return Errorf(Usage, "set AFTERCALL_TASK_QUEUE to that of the workers; for a new task queue, start its worker first",
		"no worker polls the task queue %s, but workers poll %s", queue, strings.Join(elsewhere, ", "))
}
