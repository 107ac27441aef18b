package service

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/config"
	"aftercall/workflows"
)

// catchupWindow covers a weekend without Temporal. All sweeps that were missed are
// one: it begins where the last one ended.
const catchupWindow = 7 * 24 * time.Hour

// create creates the schedule of an app.
func (s *schedules) create(ctx context.Context, app config.App) error {
	spec := sweepSpec(app)
	_, err := s.client.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: workflows.SweepID(app.SDKAppID), Spec: spec, Action: sweepAction(app, s.taskQueue),
		CatchupWindow: catchupWindow, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Note: "Finds calls whose callback was lost. Created by the worker from its configuration.",
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return nil // another worker was faster; the next look decides whose it is
	}
	if err == nil {
		s.done(ctx, app, "")
	}
	return err
}

// update makes an existing schedule as configured. Whether it is paused stays.
func (s *schedules) update(ctx context.Context, handle client.ScheduleHandle, app config.App) error {
	return handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			spec, updated := sweepSpec(app), in.Description.Schedule
			updated.Spec, updated.Action = &spec, sweepAction(app, s.taskQueue)
			updated.Policy = &client.SchedulePolicies{CatchupWindow: catchupWindow, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP}
			return &client.ScheduleUpdate{Schedule: &updated}, nil
		},
	})
}

func sweepSpec(app config.App) client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Duration(app.Sweep.Every)}}}
}

func sweepAction(app config.App, taskQueue string) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID:        workflows.SweepID(app.SDKAppID),
		Workflow:  workflows.SweepName,
		Args:      []any{workflows.SweepParams{SDKAppID: app.SDKAppID, App: app.Name}},
		TaskQueue: taskQueue,
		// Without it, a sweep whose workflow tasks fail would be the last one.
		WorkflowRunTimeout: workflows.SweepRunTimeout,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AttributeApp.ValueSet(app.Name), workflows.AttributeSource.ValueSet(string(workflows.SourceSweep)),
		),
		StaticSummary: "Sweep of " + app.Name,
	}
}

// actionQueue is the task queue of a schedule's workflows.
func actionQueue(action client.ScheduleAction) string {
	if start, ok := action.(*client.ScheduleWorkflowAction); ok {
		return start.TaskQueue
	}
	return ""
}
