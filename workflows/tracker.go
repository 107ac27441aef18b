package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// tracker keeps the status of a workflow and shows it: on the workflow's page,
// and in the list of workflows when the workflow has to wait.
type tracker struct {
	status Status
	// listed is the stage in the list of workflows, empty until the workflow has
	// waited.
	listed Stage
}

// enterStage moves the workflow to a stage. The list of workflows shows it only
// once the workflow waits there; see setWaiting.
func (t *tracker) enterStage(ctx workflow.Context, stage Stage) {
	t.status.Stage, t.status.Since, t.status.WaitingFor = stage, workflow.Now(ctx).UTC(), ""
	t.status.WaitingType = ""
	t.show(ctx)
}

// setWaiting shows that the workflow waits in a stage and for what.
func (t *tracker) setWaiting(ctx workflow.Context, stage Stage, waitingFor string) {
	if t.status.Stage != stage {
		t.enterStage(ctx, stage)
	}
	t.status.WaitingFor, t.status.WaitingType = waitingFor, ""
	t.show(ctx)
	t.upsertStage(ctx, stage)
}

// setWaitingAfterFailure returns a function for runLocalFirst that shows that
// the workflow waits for what, and the failure.
func (t *tracker) setWaitingAfterFailure(ctx workflow.Context, stage Stage, what string) func(error) {
	return func(err error) {
		t.setWaiting(ctx, stage, what+": "+errorMessage(err))
		var appErr *temporal.ApplicationError
		if errors.As(err, &appErr) {
			t.status.WaitingType = appErr.Type()
		}
	}
}

// setFailure shows the failure with which the workflow ends, and returns it.
func (t *tracker) setFailure(ctx workflow.Context, what string, err error) error {
	t.status.WaitingFor, t.status.Failure = "", what+": "+errorMessage(err)
	t.show(ctx)
	return err
}

// upsertStage sets the search attribute of the stage, unless it is set already.
func (t *tracker) upsertStage(ctx workflow.Context, stage Stage) {
	if t.listed == stage {
		return
	}
	t.listed = stage
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(string(stage))); err != nil {
		workflow.GetLogger(ctx).Error("the stage is not shown in the list of workflows", "stage", stage, "error", err)
	}
}

// finish shows the last stage. The list of workflows shows it if the workflow
// has waited, or if a delivery failed, so that it can be found.
func (t *tracker) finish(ctx workflow.Context, deliveries []Delivery) {
	stage := StageDone
	if slices.ContainsFunc(deliveries, func(d Delivery) bool { return !d.Delivered }) {
		stage = StageUndelivered
	}
	t.enterStage(ctx, stage)
	if t.listed != "" || stage != StageDone {
		t.upsertStage(ctx, stage)
	}
}

// show sets the status as the details on the workflow's page in the Web UI.
func (t *tracker) show(ctx workflow.Context) { workflow.SetCurrentDetails(ctx, t.status.markdown()) }

// notify delivers an event to all targets, and shows the state of each delivery.
func (t *tracker) notify(ctx workflow.Context, p DeliverParams) []Delivery {
	t.status.Deliveries = make([]DeliveryStatus, len(p.Targets))
	t.enterStage(ctx, StageNotify)
	return notifyTargets(ctx, p, func(i int, s DeliveryStatus) {
		t.status.Deliveries[i] = s
		t.show(ctx)
		if s.State == DeliveryWaiting {
			t.upsertStage(ctx, StageNotify)
		}
	})
}

// registerStatusQuery makes the workflow answer QueryStatus.
func (t *tracker) registerStatusQuery(ctx workflow.Context) error {
	return workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (Status, error) { return t.status, nil }, workflow.QueryHandlerOptions{
		Description: "Stage, call record, charge with its steps, deliveries, and what the workflow is waiting for since when.",
	})
}
