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

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// catchupWindow covers a weekend without Temporal. What was missed is one
// sweep: it begins where the last one ended.
const catchupWindow = 7 * 24 * time.Hour

// sweepApps are what the sweeps need to know of the configured apps.
func sweepApps(cfg *config.Config, clients map[tencent.SDKAppID]*tencent.Client) []activities.SweepApp {
	apps := make([]activities.SweepApp, len(cfg.Apps))
	for i, app := range cfg.Apps {
		apps[i] = activities.SweepApp{
			ID: app.SDKAppID, Name: app.Name, Records: clients[app.SDKAppID], Settings: app.Sweep.Settings(),
			GoLive: app.GoLive, RecordDeadline: app.RecordDeadline,
		}
	}
	return apps
}

// sweepCalls are the workflows of calls, as sweeps see them.
type sweepCalls struct{ launch.Calls }

// StartListed starts the workflow of a call that a sweep found.
func (c sweepCalls) StartListed(ctx context.Context, app activities.SweepApp, record tencent.CallRecord) (already bool, err error) {
	return c.Start(ctx, workflows.AfterCallParams{
		SDKAppID: app.ID, App: app.Name, CallID: record.CallID, Source: workflows.SourceSweep,
		Listed: &record, RecordDeadline: app.RecordDeadline,
	}, "")
}

// scheduleRetry is between attempts to set a schedule. Calls are handled meanwhile.
const scheduleRetry = 10 * time.Second

// schedule makes the schedules of the sweeps what the configuration says, and
// tries until it has or ctx ends.
func schedule(ctx context.Context, c client.Client, cfg *config.Config, taskQueue string, logger *slog.Logger) {
	for _, app := range cfg.Apps {
		for {
			err := scheduleApp(ctx, c, app, taskQueue)
			if err == nil {
				logger.Info("sweep scheduled", "app", app.Name, "every", app.Sweep.Every)
				break
			}
			if ctx.Err() == nil {
				logger.Error("the sweep could not be scheduled, trying again", "app", app.Name, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(scheduleRetry):
			}
		}
	}
}

func scheduleApp(ctx context.Context, c client.Client, app config.App, taskQueue string) error {
	id := workflows.ReconcileID(app.SDKAppID)
	handle := c.ScheduleClient().GetHandle(ctx, id)
	if app.Sweep.Every == 0 {
		err := handle.Delete(ctx)
		if errors.As(err, new(*serviceerror.NotFound)) {
			return nil
		}
		return err
	}
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Duration(app.Sweep.Every)}}}
	action := &client.ScheduleWorkflowAction{
		ID:        id,
		Workflow:  workflows.ReconcileName,
		Args:      []any{workflows.ReconcileParams{SDKAppID: app.SDKAppID, App: app.Name}},
		TaskQueue: taskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AttributeApp.ValueSet(app.Name), workflows.AttributeSource.ValueSet(string(workflows.SourceSweep)),
		),
		StaticSummary: "Sweep of " + app.Name,
	}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action, CatchupWindow: catchupWindow, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Note: "Looks for calls whose callback was lost. Made by the worker from its configuration.",
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &spec, action
			s.Policy = &client.SchedulePolicies{CatchupWindow: catchupWindow, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
}
