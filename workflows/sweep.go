package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// SweepName is the registered name of the workflow Sweep.
const SweepName = "Sweep"

// SweepID is the ID of the schedule of an app's sweep, and the beginning of the
// IDs of the workflows that the schedule starts.
func SweepID(app tencent.SDKAppID) string { return "sweep:" + app.String() }

// BackfillID is the ID of a backfill. The same time range has the same ID, so
// that a second command attaches to the workflow of the first.
func BackfillID(p SweepParams) string {
	id := fmt.Sprintf("backfill:%s:%d-%d", p.SDKAppID, p.TimeRange.From.Unix(), p.TimeRange.To.Unix())
	if p.DryRun {
		id += ":dry-run"
	}
	if p.Notify {
		id += ":notify"
	}
	return id
}

// QueryProgress is the query that returns the SweepResult so far.
const QueryProgress = "progress"

// SweepParams starts Sweep.
type SweepParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	// TimeRange, if set, makes it a backfill of that time range, which leaves
	// the progress of the sweep unchanged.
	TimeRange *sweep.Window `json:"between,omitempty"`
	// DryRun counts the calls that would be started, and starts none.
	DryRun bool `json:"dry_run,omitempty"`
	// Notify: see activities.StartAgain.
	Notify bool `json:"notify,omitempty"`
	// Continued is the state of the run that continued as new.
	Continued *SweepProgress `json:"continued,omitempty"`
}

// SweepProgress is the state of an unfinished Sweep.
type SweepProgress struct {
	Pending []sweep.Window `json:"pending"`
	Done    SweepResult    `json:"done"`
}

// SweepResult is what a Sweep has found.
type SweepResult struct {
	activities.SweepCounts
	// Windows is how many windows have been listed completely, of Planned, which
	// grows when a window is split.
	Windows int `json:"windows"`
	Planned int `json:"planned"`
	// From and To are the time range of these windows.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Examples are the CallIds of some recovered calls.
	Examples []string `json:"examples,omitempty"`
	// Failure is why the first of the Failed calls could not be started.
	Failure string `json:"failure,omitempty"`
	// CorrectedFrom is the progress that was in the future and was discarded.
	CorrectedFrom time.Time `json:"corrected_from,omitzero"`
}

const (
	// windowsPerRun limits the history of one run; then it continues as new.
	windowsPerRun = 200
	// continueAfter is how long a run lists windows before it continues as new.
	continueAfter = 15 * time.Minute
	// SweepRunTimeout bounds a run that the schedule starts, because the schedule
	// starts no other one meanwhile. It leaves time to plan and, after continueAfter,
	// for another window. Only a run whose workflow tasks are not done reaches it.
	SweepRunTimeout = time.Hour
	// maxExamples limits the size of the result.
	maxExamples = 20
)

// Sweep compares the calls that Tencent has records of with those that were
// handled, and starts AfterCall for the others. Windows are listed in order and
// completely, and the app's progress never passes one that was not. Sweep stops
// at the first window that it cannot finish; the next sweep begins there.
func Sweep(ctx workflow.Context, p SweepParams) (SweepResult, error) {
	r := &sweepRun{params: p}
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (SweepResult, error) { return r.done, nil }); err != nil {
		return r.done, err
	}
	if p.Continued != nil {
		r.pending, r.done = p.Continued.Pending, p.Continued.Done
	} else if err := r.plan(ctx); err != nil {
		return r.done, err
	}
	err := r.listPending(ctx)
	if !workflow.IsContinueAsNewError(err) {
		r.show(ctx)
		r.logCounts(ctx)
		r.notifyOfRecovered(ctx)
	}
	return r.done, err
}

// sweepRun is one run of Sweep.
type sweepRun struct {
	params  SweepParams
	pending []sweep.Window
	done    SweepResult
}

func (r *sweepRun) backfill() bool { return r.params.TimeRange != nil }

func (r *sweepRun) plan(ctx workflow.Context) error {
	options := planOptions
	options.Summary = "which windows to list"
	var plan activities.PlanSweepResult
	if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), sweeps.PlanSweep,
		activities.PlanSweepParams{SDKAppID: r.params.SDKAppID, TimeRange: r.params.TimeRange}).Get(ctx, &plan); err != nil {
		return err
	}
	r.pending, r.done.Planned, r.done.CorrectedFrom = plan.Windows, len(plan.Windows), plan.CorrectedFrom
	return nil
}

// listPending lists the pending windows, at most as many as fit into one run.
func (r *sweepRun) listPending(ctx workflow.Context) error {
	for listed := 0; len(r.pending) > 0; listed++ {
		if listed == windowsPerRun || workflow.GetInfo(ctx).GetContinueAsNewSuggested() || (listed > 0 && tooLong(ctx)) {
			p := r.params
			p.Continued = &SweepProgress{Pending: r.pending, Done: r.done}
			return workflow.NewContinueAsNewError(ctx, SweepName, p)
		}
		finished, err := r.listNext(ctx)
		r.show(ctx)
		if err != nil || !finished {
			return err
		}
	}
	return nil
}

// tooLong says whether a run is to continue as new before its run timeout.
func tooLong(ctx workflow.Context) bool {
	return workflow.Now(ctx).Sub(workflow.GetInfo(ctx).WorkflowStartTime) > continueAfter &&
		workflow.GetVersion(ctx, "continue-long-sweep", workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// listNext lists the first pending window, or splits it. finished is false if
// calls of a sweep's window could not be started: then no later window may be
// listed.
func (r *sweepRun) listNext(ctx workflow.Context) (finished bool, err error) {
	window := r.pending[0]
	options := windowOptions
	options.Summary = fmt.Sprintf("list %s to %s", formatTime(window.From), formatTime(window.To))
	var found activities.SweepWindowResult
	if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), sweeps.SweepWindow, activities.SweepWindowParams{
		SDKAppID: r.params.SDKAppID, Window: window, DryRun: r.params.DryRun, Advance: !r.backfill(), Notify: r.params.Notify,
	}).Get(ctx, &found); err != nil {
		return false, err
	}
	if len(found.Split) > 0 {
		r.pending = append(found.Split, r.pending[1:]...)
		r.done.Planned += len(found.Split) - 1
		return true, nil
	}
	r.pending = r.pending[1:]
	r.done.add(window, found)
	return found.Counts.Failed == 0 || r.backfill(), nil
}

// add adds a window that was listed completely.
func (s *SweepResult) add(window sweep.Window, found activities.SweepWindowResult) {
	s.Windows++
	if s.From.IsZero() {
		s.From = window.From
	}
	s.To = window.To
	s.SweepCounts = s.Add(found.Counts)
	if s.Failure == "" {
		s.Failure = found.Failure
	}
	s.Examples = append(s.Examples, found.Examples...)
	s.Examples = s.Examples[:min(len(s.Examples), maxExamples)]
}

// logCounts logs the counts, also of a run that stopped early.
func (r *sweepRun) logCounts(ctx workflow.Context) {
	counts := []any{
		"app", r.params.App, "listed", r.done.Listed, "known", r.done.Known,
		"recovered", r.done.Recovered, "failed", r.done.Failed, "before_go_live", r.done.BeforeGoLive,
		"recharged", r.done.Recharged, "held_back", r.done.HeldBack, "conflicts", r.done.Conflicts, "unlisted", r.done.Unlisted,
	}
	logger := workflow.GetLogger(ctx)
	switch {
	case r.backfill():
		logger.Info("backfill ended", append(counts, "dry_run", r.params.DryRun)...)
	case r.done.Recovered > 0:
		logger.Warn("callbacks are being lost: calls were recovered by the sweep", counts...)
	default:
		logger.Debug("sweep ended", counts...)
	}
}

// show sets the counts as the details on the workflow's page in the Web UI.
func (r *sweepRun) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, table([][2]string{
		{"Windows", fmt.Sprintf("%d of %d", r.done.Windows, r.done.Planned)},
		{"Listed", fmt.Sprint(r.done.Listed)},
		{"Known", fmt.Sprint(r.done.Known)},
		{"Recovered", fmt.Sprint(r.done.Recovered)},
		{"Charged again", fmt.Sprint(r.done.Recharged)},
		{"Held back", fmt.Sprint(r.done.HeldBack)},
		{"Conflicts", fmt.Sprint(r.done.Conflicts)},
		{"Failed", strings.TrimSuffix(fmt.Sprint(r.done.Failed)+": "+r.done.Failure, ": ")},
		{"Before go_live", fmt.Sprint(r.done.BeforeGoLive)},
	}))
}
