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

// catchupWindow covers a weekend without Temporal.
const catchupWindow = 7 * 24 * time.Hour

// schedule is one that an app has, as it is configured.
type schedule struct {
	app string // its name
	// what it schedules, for the log.
	what string
	id   string
	// every is its period, 0 if there is to be none.
	every time.Duration
	spec  client.ScheduleSpec
	// overlap says what happens to a run that is due while another one runs.
	overlap enumspb.ScheduleOverlapPolicy
	note    string
	action  client.ScheduleWorkflowAction
	// former is the ID that it had in earlier versions; empty if it had none.
	former string
}

// schedulesOf are the schedules of an app.
func schedulesOf(app config.App, taskQueue string) []schedule {
	return []schedule{sweepSchedule(app, taskQueue), auditSchedule(app, taskQueue)}
}

// sweepSchedule: all sweeps that were missed are one, which begins where the last one
// ended.
func sweepSchedule(app config.App, taskQueue string) schedule {
	every := time.Duration(app.Sweep.Every)
	return schedule{
		app: app.Name, what: "sweep", id: workflows.SweepID(app.SDKAppID), every: every, former: workflows.FormerSweepID(app.SDKAppID),
		spec:    client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		note:    "Finds calls whose callback was lost. Created by the worker from its configuration.",
		action: client.ScheduleWorkflowAction{
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
		},
	}
}

// auditSchedule: every audit that was missed is made up for, because each is about an
// hour of its own.
func auditSchedule(app config.App, taskQueue string) schedule {
	s := schedule{
		app: app.Name, what: "audit", id: workflows.AuditID(app.SDKAppID),
		spec:    client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: workflows.AuditEvery, Offset: workflows.AuditDelay}}},
		overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
		note:    "Finds calls without a record. Created by the worker from its configuration.",
		action: client.ScheduleWorkflowAction{
			ID:                    workflows.AuditID(app.SDKAppID),
			Workflow:              workflows.AuditName,
			Args:                  []any{workflows.AuditParams{SDKAppID: app.SDKAppID, App: app.Name}},
			TaskQueue:             taskQueue,
			WorkflowRunTimeout:    workflows.AuditRunTimeout,
			TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AttributeApp.ValueSet(app.Name)),
			StaticSummary:         "Audit of " + app.Name,
		},
	}
	if app.Evidence.Rooms() {
		s.every = workflows.AuditEvery
	}
	return s
}

// create creates a schedule.
func (s *schedules) create(ctx context.Context, want schedule) error {
	_, err := s.client.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: want.id, Spec: want.spec, Action: &want.action, CatchupWindow: catchupWindow, Overlap: want.overlap, Note: want.note,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return nil // another worker was faster; the next look decides whose it is
	}
	if err == nil {
		s.done(ctx, want, "")
	}
	return err
}

// update makes an existing schedule as configured. Whether it is paused stays.
func (s *schedules) update(ctx context.Context, handle client.ScheduleHandle, want schedule) error {
	return handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			updated := in.Description.Schedule
			updated.Spec, updated.Action = &want.spec, &want.action
			updated.Policy = &client.SchedulePolicies{CatchupWindow: catchupWindow, Overlap: want.overlap}
			return &client.ScheduleUpdate{Schedule: &updated}, nil
		},
	})
}

// actionQueue is the task queue of a schedule's workflows.
func actionQueue(action client.ScheduleAction) string {
	if start, ok := action.(*client.ScheduleWorkflowAction); ok {
		return start.TaskQueue
	}
	return ""
}
