package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/config"
	"aftercall/workflows"
)

const (
	// catchupWindow covers a weekend without Temporal. All sweeps that were
	// missed are one: it begins where the last one ended.
	catchupWindow = 7 * 24 * time.Hour
	// scheduleRetryDelay is between attempts to set a schedule. Calls are handled
	// meanwhile.
	scheduleRetryDelay = 10 * time.Second
)

// ensureSchedules creates, updates or deletes the schedules of the sweeps as
// configured, and retries until it has or ctx ends.
func ensureSchedules(ctx context.Context, c client.Client, cfg *config.Config, taskQueue string, logger *slog.Logger) {
	for _, app := range cfg.Apps {
		for {
			err := ensureSchedule(ctx, c.ScheduleClient(), app, taskQueue)
			if err == nil {
				logger.Info("sweep scheduled", "app", app.Name, "every", app.Sweep.Every)
				break
			}
			if ctx.Err() == nil {
				logger.Error("the sweep could not be scheduled and is retried", "app", app.Name, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(scheduleRetryDelay):
			}
		}
	}
}

// ensureSchedule also deletes the schedule of an earlier version, once the new
// one exists. A sweep that it has started runs to its end.
func ensureSchedule(ctx context.Context, schedules client.ScheduleClient, app config.App, taskQueue string) error {
	var err error
	if app.Sweep.Every == 0 {
		err = deleteSchedule(ctx, schedules, workflows.SweepID(app.SDKAppID))
	} else {
		err = setSchedule(ctx, schedules, app, taskQueue)
	}
	if err != nil {
		return err
	}
	return deleteSchedule(ctx, schedules, workflows.FormerSweepID(app.SDKAppID))
}

func deleteSchedule(ctx context.Context, schedules client.ScheduleClient, id string) error {
	err := schedules.GetHandle(ctx, id).Delete(ctx)
	if errors.As(err, new(*serviceerror.NotFound)) {
		return nil
	}
	return err
}

func setSchedule(ctx context.Context, schedules client.ScheduleClient, app config.App, taskQueue string) error {
	id := workflows.SweepID(app.SDKAppID)
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Duration(app.Sweep.Every)}}}
	action := &client.ScheduleWorkflowAction{
		ID:        id,
		Workflow:  workflows.SweepName,
		Args:      []any{workflows.SweepParams{SDKAppID: app.SDKAppID, App: app.Name}},
		TaskQueue: taskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AttributeApp.ValueSet(app.Name), workflows.AttributeSource.ValueSet(string(workflows.SourceSweep)),
		),
		StaticSummary: "Sweep of " + app.Name,
	}
	_, err := schedules.Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action, CatchupWindow: catchupWindow, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Note: "Finds calls whose callback was lost. Created by the worker from its configuration.",
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return schedules.GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &spec, action
			s.Policy = &client.SchedulePolicies{CatchupWindow: catchupWindow, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
}
