package ops

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
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
