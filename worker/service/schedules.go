package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"aftercall/internal/config"
	"aftercall/internal/temporalclient"
)

const (
	// scheduleInterval is how often the schedules are compared with the
	// configuration: Temporal may have lost them, or another worker may have
	// moved them.
	scheduleInterval = time.Minute
	// scheduleRetryDelay is between attempts to set a schedule. Calls are handled
	// meanwhile.
	scheduleRetryDelay = 10 * time.Second
)

// schedules keeps the schedules of sweeps and audits as configured. A schedule belongs
// to the task queue whose workers serve it: one on another queue is taken only
// once that queue has no worker.
type schedules struct {
	client    client.Client
	apps      []config.App
	taskQueue string
	// take also takes a schedule from a queue that has workers.
	take bool
	// prepare waits for Temporal, and registers the search attributes that
	// schedules need; false if ctx has ended.
	prepare func(context.Context) bool
	// liveFor is how long ago a worker that runs has polled, at most; interval and
	// retry are between two looks.
	liveFor, interval, retry time.Duration
	logger                   *slog.Logger
	// now is the time by Temporal's clock.
	now func() time.Time

	state map[string]scheduleState // by ID of the schedule
}

// scheduleState is what the log says of a schedule.
type scheduleState struct {
	// set: it is as this worker is configured.
	set bool
	// foreign is the other queue that has it, and failed the last error.
	foreign, failed string
}

// keep ensures the schedules again and again until ctx ends.
func (s *schedules) keep(ctx context.Context) {
	s.state = make(map[string]scheduleState, len(s.apps))
	for s.prepare(ctx) {
		wait := s.interval
		for _, app := range s.apps {
			for _, want := range schedulesOf(app, s.taskQueue) {
				if !s.report(ctx, want, s.ensure(ctx, want)) {
					wait = s.retry
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// report logs an error once, and remembers it.
func (s *schedules) report(ctx context.Context, want schedule, err error) (ok bool) {
	state := s.state[want.id]
	problem := ""
	if err != nil {
		problem = err.Error()
		if problem != state.failed && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "the "+want.what+" could not be scheduled and is retried", "app", want.app, "error", err)
		}
		state.set = false
	}
	state.failed = problem
	s.state[want.id] = state
	return err == nil
}

// ensure makes a schedule as configured. It also deletes that of an earlier version,
// once the new one exists. What it has started runs to its end.
func (s *schedules) ensure(ctx context.Context, want schedule) error {
	var err error
	if want.every == 0 {
		err = s.remove(ctx, want.id)
	} else {
		err = s.set(ctx, want)
	}
	if err != nil || want.former == "" {
		return err
	}
	return s.remove(ctx, want.former)
}

func (s *schedules) remove(ctx context.Context, id string) error {
	err := s.client.ScheduleClient().GetHandle(ctx, id).Delete(ctx)
	if errors.As(err, new(*serviceerror.NotFound)) {
		return nil
	}
	return err
}

// set creates the schedule, or updates it if it is not this worker's, or this
// worker has not done so since it started.
func (s *schedules) set(ctx context.Context, want schedule) error {
	handle := s.client.ScheduleClient().GetHandle(ctx, want.id)
	found, err := handle.Describe(ctx)
	switch {
	case errors.As(err, new(*serviceerror.NotFound)):
		return s.create(ctx, want)
	case err != nil:
		return err
	}
	queue := actionQueue(found.Schedule.Action)
	if leave, err := s.leaves(ctx, want, queue); err != nil || leave {
		return err
	}
	if queue != s.taskQueue || !s.state[want.id].set {
		if err := s.update(ctx, handle, want); err != nil {
			return err
		}
		s.done(ctx, want, queue)
	}
	return s.replaceStuck(ctx, want, handle, found)
}

// leaves reports whether the workers of another queue keep the schedule.
func (s *schedules) leaves(ctx context.Context, want schedule, queue string) (bool, error) {
	state := s.state[want.id]
	if queue == s.taskQueue || s.take {
		return false, nil
	}
	workers, err := temporalclient.Workers(ctx, s.client, queue, s.liveFor, s.now())
	if err != nil || workers == 0 {
		return false, err
	}
	if state.foreign != queue {
		s.logger.WarnContext(ctx, "the "+want.what+" stays on another task queue, which has workers; AFTERCALL_TAKE_SWEEPS=true takes it",
			"app", want.app, "task_queue", queue, "workers", workers)
	}
	s.state[want.id] = scheduleState{foreign: queue}
	return true, nil
}

func (s *schedules) done(ctx context.Context, want schedule, before string) {
	s.state[want.id] = scheduleState{set: true}
	attrs := []any{"app", want.app, "every", config.Interval(want.every)}
	if before != s.taskQueue && before != "" {
		attrs = append(attrs, "taken_from", before)
	}
	s.logger.InfoContext(ctx, want.what+" scheduled", attrs...)
}

// replaceStuck replaces a run that waits on a task queue without workers. While
// it is open, the schedule starts no other one.
func (s *schedules) replaceStuck(ctx context.Context, want schedule, handle client.ScheduleHandle, found *client.ScheduleDescription) error {
	for _, run := range found.Info.RunningWorkflows {
		open, err := s.client.DescribeWorkflowExecution(ctx, run.WorkflowID, "")
		if errors.As(err, new(*serviceerror.NotFound)) {
			continue
		}
		if err != nil {
			return err
		}
		queue := open.GetExecutionConfig().GetTaskQueue().GetName()
		if open.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || queue == s.taskQueue {
			continue
		}
		workers, err := temporalclient.Workers(ctx, s.client, queue, s.liveFor, s.now())
		if err != nil {
			return err
		}
		if workers > 0 {
			continue
		}
		s.logger.WarnContext(ctx, "a "+want.what+" waits on a task queue without workers and is replaced", "app", want.app, "task_queue", queue, "WorkflowID", run.WorkflowID)
		return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER})
	}
	return nil
}
