package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/internal/config"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// SweepState is the state of an app's schedule.
type SweepState string

// The states.
const (
	// SweepOn: the schedule starts a sweep at its interval.
	SweepOn SweepState = "on"
	// SweepOff: sweep.every is off in the configuration.
	SweepOff SweepState = "off"
	// SweepPaused: someone has paused the schedule.
	SweepPaused SweepState = "paused"
	// SweepMissing: the worker has not created the schedule yet.
	SweepMissing SweepState = "missing"
	// SweepUnknown: Temporal does not answer.
	SweepUnknown SweepState = "unknown"
)

// SweepStatus is the sweep of an app.
type SweepStatus struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	State    SweepState       `json:"state"`
	// Note says why a schedule is paused.
	Note         string `json:"note,omitempty"`
	EverySeconds int64  `json:"every_seconds"`
	// SweptTo is up to when all calls are listed; zero before the first run has ended.
	SweptTo time.Time `json:"swept_to,omitzero"`
	// LagSeconds is the time since SweptTo.
	LagSeconds int64 `json:"lag_seconds"`
	// Behind says that the lag is longer than intervals and retries explain.
	Behind    bool      `json:"behind"`
	NextRunAt time.Time `json:"next_run_at,omitzero"`
	// LastRun is null before the first run, or when Temporal has forgotten it.
	LastRun *SweepRun `json:"last_run"`
	// Backfills are those that are running.
	Backfills []SweepRun `json:"backfills"`
	// Problems are the parts that could not be read, and why.
	Problems []string `json:"problems"`
}

// SweepRun is one run of a sweep or backfill.
type SweepRun struct {
	WorkflowID string `json:"workflow_id"`
	// State is running, completed, failed, cancelled or terminated.
	State     string    `json:"state"`
	StartedAt time.Time `json:"started_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	Link      string    `json:"link,omitempty"`
	// BackfillCounts are those so far; zero where no worker answers for a running one.
	BackfillCounts
	// Failure says why the run failed, or what it retries.
	Failure string `json:"failure,omitempty"`
}

// maxLag is how far behind a sweep may be beyond its interval and settle delay:
// some runs, or the time that one may take.
const maxLag = 30 * time.Minute

// scheduleTimeout is how long Temporal may take to describe a schedule: it asks
// a workflow of its own first.
const scheduleTimeout = 15 * time.Second

// Sweeps returns the sweeps of one app, or of all if appName is empty. What
// could not be read makes an error of kind Incomplete, a sweep that is not in
// order one of kind Refused; both come with the result.
func (d *Deps) Sweeps(ctx context.Context, appName string) ([]SweepStatus, error) {
	apps, err := d.Apps(appName)
	if err != nil {
		return nil, err
	}
	all := make([]SweepStatus, len(apps))
	var problems, bad []string
	for i, app := range apps {
		all[i] = d.sweepStatus(ctx, app)
		problems = append(problems, all[i].Problems...)
		if all[i].State == SweepOff {
			continue
		}
		if err := all[i].scheduleError(); err != nil && all[i].State != SweepUnknown {
			bad = append(bad, err.Error())
		} else if all[i].Behind {
			bad = append(bad, "the sweep of "+app.Name+" is behind")
		}
	}
	switch {
	case len(problems) > 0:
		slices.Sort(problems)
		return all, Errorf(Incomplete, checkCure, "this is not all: %s", strings.Join(slices.Compact(problems), "; "))
	case len(bad) > 0:
		return all, Errorf(Refused, checkCure, "%s", strings.Join(bad, "; "))
	}
	return all, nil
}

func (d *Deps) sweepStatus(ctx context.Context, app *config.App) SweepStatus {
	s := SweepStatus{App: app.Name, SDKAppID: app.SDKAppID, State: SweepUnknown, Backfills: []SweepRun{}, Problems: []string{}}
	problem := func(err error) {
		if err != nil {
			s.Problems = append(s.Problems, err.Error())
		}
	}
	err := d.readSchedule(ctx, app, &s)
	problem(err)
	if err == nil {
		problem(d.readLastRun(ctx, &s))
		problem(d.readBackfills(ctx, &s))
	}
	problem(d.readProgress(ctx, app, &s))
	return s
}

// readSchedule reads whether and when the sweep is scheduled, and its last run.
func (d *Deps) readSchedule(ctx context.Context, app *config.App, s *SweepStatus) error {
	s.EverySeconds = int64(time.Duration(app.Sweep.Every).Seconds())
	if s.EverySeconds == 0 {
		s.State = SweepOff
		return nil
	}
	c, namespace, err := d.Temporal()
	if err != nil {
		return err
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, temporalclient.Ping(ctx, c, namespace) }); err != nil {
		return d.temporalError(err)
	}
	ctx, cancel := context.WithTimeout(ctx, scheduleTimeout)
	defer cancel()
	found, err := c.ScheduleClient().GetHandle(ctx, workflows.SweepID(app.SDKAppID)).Describe(ctx)
	switch {
	case errors.As(err, new(*serviceerror.NotFound)):
		s.State = SweepMissing
		return nil
	case err != nil:
		return d.temporalError(err)
	}
	s.State = SweepOn
	if state := found.Schedule.State; state != nil && state.Paused {
		s.State, s.Note = SweepPaused, state.Note
	} else if len(found.Info.NextActionTimes) > 0 {
		s.NextRunAt = found.Info.NextActionTimes[0].UTC()
	}
	if recent := found.Info.RecentActions; len(recent) > 0 {
		s.LastRun = lastRun(recent)
	}
	return nil
}

func lastRun(recent []client.ScheduleActionResult) *SweepRun {
	last := recent[len(recent)-1]
	run := &SweepRun{StartedAt: last.ActualTime.UTC()}
	if last.StartWorkflowResult != nil {
		run.WorkflowID = last.StartWorkflowResult.WorkflowID
	}
	return run
}

// scheduleError says what is wrong with the schedule.
func (s *SweepStatus) scheduleError() error {
	id := workflows.SweepID(s.SDKAppID)
	switch s.State {
	case SweepMissing:
		return Errorf(Failed, "start the worker, which creates it", "there is no schedule %s", id)
	case SweepPaused:
		return Errorf(Failed, "temporal schedule toggle --unpause --schedule-id "+id, "the schedule %s is paused: %s", id, s.Note)
	case SweepOn, SweepOff, SweepUnknown:
	}
	return nil
}

// readProgress reads from the ledger up to when calls are listed.
func (d *Deps) readProgress(ctx context.Context, app *config.App, s *SweepStatus) error {
	l, err := d.Ledger(ctx)
	if err != nil {
		return err
	}
	to, err := ask(ctx, func(ctx context.Context) (time.Time, error) { return l.SweptTo(ctx, app.SDKAppID) })
	if err != nil {
		return Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	if to.IsZero() {
		return nil
	}
	lag := d.now().Sub(to)
	s.SweptTo, s.LagSeconds = to.UTC(), int64(lag.Seconds())
	s.Behind = app.Sweep.Every != 0 && lag > time.Duration(app.Sweep.Every)+app.Sweep.Settle+maxLag
	return nil
}

// readLastRun reads the result of the last run, or what it is at.
func (d *Deps) readLastRun(ctx context.Context, s *SweepStatus) error {
	run := s.LastRun
	if run == nil || run.WorkflowID == "" {
		return nil
	}
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return c.DescribeWorkflowExecution(ctx, run.WorkflowID, "")
	})
	if errors.As(err, new(*serviceerror.NotFound)) {
		s.LastRun = nil
		return nil
	}
	if err != nil {
		return d.temporalError(err)
	}
	return d.readRun(ctx, run, found)
}

// readRun reads what a sweep or backfill has done.
func (d *Deps) readRun(ctx context.Context, run *SweepRun, found *workflowservice.DescribeWorkflowExecutionResponse) error {
	info := found.GetWorkflowExecutionInfo()
	id, runID := info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()
	run.WorkflowID, run.State, run.StartedAt, run.Link = id, stateName(info.GetStatus()), info.GetStartTime().AsTime(), d.link(id, runID)
	if info.GetCloseTime() != nil {
		run.ClosedAt = info.GetCloseTime().AsTime()
	}
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		for _, p := range d.pendingActivities(found) {
			run.Failure = p.LastFailure
		}
		progress, err := d.backfillProgress(ctx, id)
		if err != nil && !errors.As(err, new(*serviceerror.WorkflowNotReady)) {
			return fmt.Errorf("no worker answers for %s: %w", id, err)
		}
		run.BackfillCounts = newBackfillCounts(progress)
		return nil
	}
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	result, err := ask(ctx, func(ctx context.Context) (r workflows.SweepResult, err error) {
		err = c.GetWorkflow(ctx, id, runID).Get(ctx, &r)
		return r, err
	})
	run.Failure, run.BackfillCounts = causeMessage(err), newBackfillCounts(result)
	return nil
}

// readBackfills finds the backfills of the app that are running.
func (d *Deps) readBackfills(ctx context.Context, s *SweepStatus) error {
	c, _, err := d.Temporal()
	if err != nil {
		return err
	}
	prefix := "backfill:" + s.SDKAppID.String() + ":"
	query := fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running'", workflows.SweepName)
	return d.eachWorkflow(ctx, query, func(e *workflowpb.WorkflowExecutionInfo) error {
		if !strings.HasPrefix(e.GetExecution().GetWorkflowId(), prefix) {
			return nil
		}
		found, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
			return c.DescribeWorkflowExecution(ctx, e.GetExecution().GetWorkflowId(), "")
		})
		if err != nil {
			return d.temporalError(err)
		}
		var run SweepRun
		err = d.readRun(ctx, &run, found)
		s.Backfills = append(s.Backfills, run)
		return err
	})
}
