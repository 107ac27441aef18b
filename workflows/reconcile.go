package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// ReconcileName is the registered name of the workflow Reconcile.
const ReconcileName = "Reconcile"

// ReconcileID is the ID of an app's sweep: of its schedule, and the beginning
// of the IDs of the workflows that the schedule starts.
func ReconcileID(app tencent.SDKAppID) string { return "reconcile:" + app.String() }

// BackfillID is the ID of a backfill. The same stretch of time has the same ID,
// so that a second command finds the first one's workflow.
func BackfillID(p ReconcileParams) string {
	id := fmt.Sprintf("backfill:%s:%d-%d", p.SDKAppID, p.Between.From.Unix(), p.Between.To.Unix())
	if p.DryRun {
		id += ":dry-run"
	}
	return id
}

// QueryProgress asks a running Reconcile for its ReconcileResult so far.
const QueryProgress = "progress"

// ReconcileParams start Reconcile.
type ReconcileParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	// Between, if set, makes it a backfill of that stretch of time, which
	// leaves the sweep's progress alone.
	Between *sweep.Window `json:"between,omitempty"`
	// DryRun starts nothing and counts what would be.
	DryRun bool `json:"dry_run,omitempty"`
	// Continued is what is left to do, and was done, before the workflow
	// continued as new.
	Continued *ReconcileProgress `json:"continued,omitempty"`
}

// ReconcileProgress is a Reconcile half-way.
type ReconcileProgress struct {
	Pending []sweep.Window  `json:"pending"`
	Done    ReconcileResult `json:"done"`
}

// ReconcileResult is what a Reconcile has found.
type ReconcileResult struct {
	activities.SweepCounts
	// Windows were listed whole, of Planned, which grows when one is split.
	Windows int `json:"windows"`
	Planned int `json:"planned"`
	// From and To are what the windows cover.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Examples are some of the recovered CallIds.
	Examples []string `json:"examples,omitempty"`
}

// windowsPerRun keeps the history of a run short; then it continues as new.
const windowsPerRun = 200

var (
	planOptions = workflow.ActivityOptions{
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: 10 * time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	}
	// windowOptions give up in the end: the next sweep begins where this one stopped.
	windowOptions = workflow.ActivityOptions{
		StartToCloseTimeout:    10 * time.Minute,
		HeartbeatTimeout:       time.Minute,
		ScheduleToCloseTimeout: 30 * time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	}
)

// sweeps gives type-safe references; the worker registers a real one.
var sweeps *activities.Sweeps

// Reconcile compares what Tencent says has ended with what was handled, and
// starts what was not. Windows are listed in order, each whole, and the app's
// progress never passes one that was not. It stops at the first window that
// cannot be finished; the next run begins there.
func Reconcile(ctx workflow.Context, p ReconcileParams) (ReconcileResult, error) {
	r := &reconcile{params: p}
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (ReconcileResult, error) { return r.done, nil }); err != nil {
		return r.done, err
	}
	if p.Continued != nil {
		r.pending, r.done = p.Continued.Pending, p.Continued.Done
	} else if err := r.plan(ctx); err != nil {
		return r.done, err
	}
	err := r.list(ctx)
	if !workflow.IsContinueAsNewError(err) {
		r.report(ctx)
		r.tell(ctx)
	}
	return r.done, err
}

// reconcile is one run of Reconcile.
type reconcile struct {
	params  ReconcileParams
	pending []sweep.Window
	done    ReconcileResult
}

func (r *reconcile) plan(ctx workflow.Context) error {
	options := planOptions
	options.Summary = "which windows to list"
	var plan activities.PlanSweepResult
	if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), sweeps.PlanSweep,
		activities.PlanSweepParams{SDKAppID: r.params.SDKAppID, Between: r.params.Between}).Get(ctx, &plan); err != nil {
		return err
	}
	r.pending, r.done.Planned = plan.Windows, len(plan.Windows)
	return nil
}

// list lists the pending windows, as many as one run may.
func (r *reconcile) list(ctx workflow.Context) error {
	for listed := 0; len(r.pending) > 0; listed++ {
		if listed == windowsPerRun || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			p := r.params
			p.Continued = &ReconcileProgress{Pending: r.pending, Done: r.done}
			return workflow.NewContinueAsNewError(ctx, ReconcileName, p)
		}
		finished, err := r.next(ctx)
		r.show(ctx)
		if err != nil || !finished {
			return err
		}
	}
	return nil
}

// report says what the run came to, also when it did not get to its end.
func (r *reconcile) report(ctx workflow.Context) {
	r.show(ctx)
	counts := []any{
		"app", r.params.App, "listed", r.done.Listed, "known", r.done.Known,
		"recovered", r.done.Recovered, "failed", r.done.Failed, "before_go_live", r.done.BeforeGoLive,
	}
	logger := workflow.GetLogger(ctx)
	switch {
	case r.params.Between != nil:
		logger.Info("backfill ended", append(counts, "dry_run", r.params.DryRun)...)
	case r.done.Recovered > 0:
		logger.Warn("callbacks are being lost: calls were recovered by the sweep", counts...)
	default:
		logger.Debug("sweep ended", counts...)
	}
}

// next lists the first pending window, or splits it. finished is false when
// calls of it could not be started, so that nothing after it may be listed.
func (r *reconcile) next(ctx workflow.Context) (finished bool, err error) {
	window := r.pending[0]
	options := windowOptions
	options.Summary = fmt.Sprintf("list %s to %s", instant(window.From.Unix()), instant(window.To.Unix()))
	var found activities.SweepWindowResult
	if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), sweeps.SweepWindow, activities.SweepWindowParams{
		SDKAppID: r.params.SDKAppID, Window: window, DryRun: r.params.DryRun, Advance: r.params.Between == nil,
	}).Get(ctx, &found); err != nil {
		return false, err
	}
	if len(found.Split) > 0 {
		r.pending = append(found.Split, r.pending[1:]...)
		r.done.Planned += len(found.Split) - 1
		return true, nil
	}
	r.pending = r.pending[1:]
	r.done.Windows++
	if r.done.From.IsZero() {
		r.done.From = window.From
	}
	r.done.To = window.To
	r.done.SweepCounts = r.done.Add(found.Counts)
	r.done.Examples = append(r.done.Examples, found.Examples...)
	if len(r.done.Examples) > maxExamples {
		r.done.Examples = r.done.Examples[:maxExamples]
	}
	return found.Counts.Failed == 0 || r.params.Between != nil, nil
}

// maxExamples keeps the result small enough to be read.
const maxExamples = 20

// show puts the counts on the workflow's page in the Web UI.
func (r *reconcile) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, table([][2]string{
		{"Windows", fmt.Sprintf("%d of %d", r.done.Windows, r.done.Planned)},
		{"Listed", fmt.Sprint(r.done.Listed)},
		{"Known", fmt.Sprint(r.done.Known)},
		{"Recovered", fmt.Sprint(r.done.Recovered)},
		{"Failed", fmt.Sprint(r.done.Failed)},
		{"Before go_live", fmt.Sprint(r.done.BeforeGoLive)},
	}))
}
