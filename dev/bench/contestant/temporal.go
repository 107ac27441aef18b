package contestant

import (
	"context"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/tencent"
)

const temporalQueue = "timer"

// temporalEngine is Temporal as its samples use it: a timer and one activity per
// step, with the default options of client and worker.
type temporalEngine struct {
	client client.Client
	worker worker.Worker
}

func startTemporal(_ context.Context, s Settings, w *Work, logger *slog.Logger) (Engine, error) {
	c, err := client.Dial(client.Options{HostPort: s.Temporal, Logger: log.NewStructuredLogger(logger)})
	if err != nil {
		return nil, err
	}
	e := &temporalEngine{client: c, worker: worker.New(c, temporalQueue, worker.Options{})}
	e.worker.RegisterWorkflow(callWorkflow)
	e.worker.RegisterActivity(w)
	if err := e.worker.Start(); err != nil {
		c.Close()
		return nil, err
	}
	return e, nil
}

// Accept starts the workflow of the call.
func (e *temporalEngine) Accept(ctx context.Context, c Call) error {
	_, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: c.ID(), TaskQueue: temporalQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, callWorkflow, c)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}

// Close stops the worker.
func (e *temporalEngine) Close() {
	e.worker.Stop()
	e.client.Close()
}

func callWorkflow(ctx workflow.Context, c Call) error {
	if err := workflow.Sleep(ctx, c.ReadyAt.Sub(workflow.Now(ctx))); err != nil {
		return err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var work *Work
	var record tencent.CallRecord
	if err := workflow.ExecuteActivity(ctx, work.Fetch, c).Get(ctx, &record); err != nil {
		return err
	}
	var event Event
	if err := workflow.ExecuteActivity(ctx, work.Charge, c, record).Get(ctx, &event); err != nil {
		return err
	}
	return workflow.ExecuteActivity(ctx, work.Notify, c, event).Get(ctx, nil)
}
