package ops

import (
	"context"
	"errors"
	"fmt"
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
	// TaskQueue is that of the schedule. Unserved is one on which a sweep waits
	// although no worker polls it.
	TaskQueue string `json:"task_queue,omitempty"`
	Unserved  string `json:"unserved,omitempty"`
	// SweptTo is up to when all calls are listed; zero before the first run has ended.
	SweptTo time.Time `json:"swept_to,omitzero"`
	// LagSeconds is the time since SweptTo.
	LagSeconds int64 `json:"lag_seconds"`
	// Behind says that the lag is longer than a few periods and the settle delay.
	Behind bool `json:"behind"`
	// CreatedAt is when the schedule was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	NextRunAt time.Time `json:"next_run_at,omitzero"`
	// LastRun is null before the first run, or when Temporal has forgotten it.
	LastRun *SweepRun `json:"last_run"`
	// Backfills are those that are running.
	Backfills []SweepRun `json:"backfills"`
	// HeldBack is what sweeps could not start and try again by themselves.
	HeldBack []HeldCall `json:"held_back"`
	// Dismissed is what an operator has dismissed in the last seven days.
	Dismissed []HeldCall `json:"dismissed"`
	// Conflicts are calls whose workflow has failed, in the last seven days.
	Conflicts []Conflict `json:"conflicts"`
	// Problems are the parts that could not be read, and why.
	Problems []string `json:"problems"`
}

// scheduleTimeout is how long Temporal may take to describe a schedule: it asks
// a workflow of its own first.
const scheduleTimeout = 15 * time.Second

// dismissedShown is for how long the status shows what was dismissed.
const dismissedShown = 7 * 24 * time.Hour

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
		if err := all[i].scheduleError(); err != nil && all[i].State != SweepUnknown {
			bad = append(bad, err.Error())
		} else if all[i].Behind {
			bad = append(bad, "the sweep of "+app.Name+" is behind")
		}
		if n := len(all[i].HeldBack); n > 0 {
			bad = append(bad, fmt.Sprintf("%d calls of %s are held back", n, app.Name))
		}
		if n := len(all[i].Conflicts); n > 0 {
			bad = append(bad, fmt.Sprintf("the workflows of %d calls of %s have failed", n, app.Name))
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
	s := SweepStatus{
		App: app.Name, SDKAppID: app.SDKAppID, State: SweepUnknown,
		Backfills: []SweepRun{}, HeldBack: []HeldCall{}, Dismissed: []HeldCall{}, Conflicts: []Conflict{}, Problems: []string{},
	}
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
		open, err := d.conflicts(ctx, []*config.App{app}, d.now(ctx).Add(-conflictsShown))
		problem(err)
		s.Conflicts = append(s.Conflicts, open...)
	}
	problem(d.readProgress(ctx, app, &s))
	held, err := d.heldBack(ctx, app)
	problem(err)
	s.HeldBack = append(s.HeldBack, held...)
	dismissed, err := d.dismissed(ctx, app)
	problem(err)
	for _, h := range dismissed {
		if d.now(ctx).Sub(h.Dismissal.At) < dismissedShown {
			s.Dismissed = append(s.Dismissed, h)
		}
	}
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
	s.State, s.CreatedAt = SweepOn, found.Info.CreatedAt.UTC()
	if state := found.Schedule.State; state != nil && state.Paused {
		s.State, s.Note = SweepPaused, state.Note
	} else if len(found.Info.NextActionTimes) > 0 {
		s.NextRunAt = found.Info.NextActionTimes[0].UTC()
	}
	if recent := found.Info.RecentActions; len(recent) > 0 {
		s.LastRun = lastRun(recent)
	}
	return d.readQueue(ctx, s, found)
}

func lastRun(recent []client.ScheduleActionResult) *SweepRun {
	last := recent[len(recent)-1]
	run := &SweepRun{StartedAt: last.ActualTime.UTC()}
	if last.StartWorkflowResult != nil {
		run.WorkflowID = last.StartWorkflowResult.WorkflowID
	}
	return run
}

// scheduleError says what is wrong with the schedule, or its task queue.
func (s *SweepStatus) scheduleError() error {
	id := workflows.SweepID(s.SDKAppID)
	switch s.State {
	case SweepMissing:
		return Errorf(Failed, "start the worker, which creates it", "there is no schedule %s", id)
	case SweepPaused:
		return Errorf(Failed, "temporal schedule toggle --unpause --schedule-id "+id, "the schedule %s is paused: %s", id, s.Note)
	case SweepOn, SweepOff, SweepUnknown:
	}
	return s.queueError()
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
	now, err := ask(ctx, l.Now) // the clock of the sweeps
	if err != nil {
		return Errorf(Failed, "is the database up?", "the ledger does not answer: %w", err)
	}
	limit := app.Sweep.Settings().LagLimit(time.Duration(app.Sweep.Every))
	if to.IsZero() {
		// The first run began when the schedule was created.
		s.Behind = app.Sweep.Every != 0 && !s.CreatedAt.IsZero() && now.Sub(s.CreatedAt) > limit
		return nil
	}
	lag := now.Sub(to)
	s.SweptTo, s.LagSeconds = to.UTC(), int64(lag.Seconds())
	s.Behind = app.Sweep.Every != 0 && (lag > limit || lag < 0)
	return nil
}
