package ops

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// BackfillParams name the time range of a backfill.
type BackfillParams struct {
	App string
	// Range and Zone are the time range as the operator wrote it. Both bounds
	// are required.
	Range Range
	Zone  string
	// DryRun starts nothing and counts what would be started.
	DryRun bool
	// Notify notifies the targets again of charges that the ledger has lost.
	Notify bool
	// Observe is called now and then with the progress of the backfill, or with
	// the error of asking for it. nil observes nothing.
	Observe func(BackfillCounts, error)
}

// BackfillCounts are the calls of a time range, by outcome.
type BackfillCounts struct {
	// Windows were listed of Planned.
	Windows int `json:"windows"`
	Planned int `json:"planned"`
	// Listed calls are those that Tencent has records of. Of them, Known are in
	// the ledger or have a running workflow, Started were started (or would be),
	// StartedAgain too, because their workflow had ended without an entry in the
	// ledger, and BeforeGoLive ended before the app's go_live.
	Listed       int `json:"listed"`
	Known        int `json:"known"`
	Started      int `json:"started"`
	StartedAgain int `json:"started_again"`
	BeforeGoLive int `json:"before_go_live"`
	// Failed calls could not be started, as no call could. HeldBack ones could not
	// be for a reason of their own. Conflicts are those whose workflow has failed.
	Failed    int `json:"failed"`
	HeldBack  int `json:"held_back"`
	Conflicts int `json:"conflicts"`
	// Unlisted records were counted by Tencent, but not listed.
	Unlisted int `json:"unlisted"`
}

// BackfillResult is the result of Backfill.
type BackfillResult struct {
	App        string           `json:"app"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	WorkflowID string           `json:"workflow_id"`
	Link       string           `json:"link,omitempty"`
	From       time.Time        `json:"from"`
	To         time.Time        `json:"to"`
	DryRun     bool             `json:"dry_run"`
	// Attached says that the backfill was running already.
	Attached bool `json:"attached"`
	BackfillCounts
	// Examples are some of the CallIds that were started, or would be.
	Examples []string `json:"examples"`
}

// observeInterval is how often a backfill is asked for its progress.
const observeInterval = 500 * time.Millisecond

// Backfill starts the calls of a time range that were not handled, as the sweep
// does, and waits for the end. The workers do it: when ctx ends it goes on, and
// the same parameters attach to it. A result with calls that could not be
// started comes with an error.
func (d *Deps) Backfill(ctx context.Context, p BackfillParams) (*BackfillResult, error) {
	app, err := d.App(p.App)
	if err != nil {
		return nil, err
	}
	window, err := d.backfillWindow(p, d.now(ctx))
	if err != nil {
		return nil, err
	}
	params := workflows.SweepParams{SDKAppID: app.SDKAppID, App: app.Name, TimeRange: &window, DryRun: p.DryRun, Notify: p.Notify}
	run, attached, err := d.startBackfill(ctx, params)
	if err != nil {
		return nil, err
	}
	if attached {
		d.note("this backfill is running already: %s", run.GetID())
	}
	done, err := d.followBackfill(ctx, run, p.Observe)
	if err != nil {
		return nil, err
	}
	r := &BackfillResult{
		App: app.Name, SDKAppID: app.SDKAppID, WorkflowID: run.GetID(), Link: d.link(run.GetID(), run.GetRunID()),
		From: window.From.UTC(), To: window.To.UTC(), DryRun: p.DryRun, Attached: attached,
		BackfillCounts: newBackfillCounts(done), Examples: append([]string{}, done.Examples...),
	}
	switch {
	case r.Failed > 0:
		return r, Errorf(Failed, "run the same command again: calls that were started are known then", "%d calls could not be started: %s", r.Failed, done.Failure)
	case r.HeldBack > 0 || r.Conflicts > 0:
		return r, Errorf(Refused, "aftercall sweep status says which and why", "%d calls are held back, and the workflows of %d have failed", r.HeldBack, r.Conflicts)
	}
	return r, nil
}

func newBackfillCounts(r workflows.SweepResult) BackfillCounts {
	return BackfillCounts{
		Windows: r.Windows, Planned: r.Planned, Listed: r.Listed, Known: r.Known, Started: r.Recovered, StartedAgain: r.Recharged,
		BeforeGoLive: r.BeforeGoLive, Failed: r.Failed, HeldBack: r.HeldBack, Conflicts: r.Conflicts, Unlisted: r.Unlisted,
	}
}

// backfillWindow checks the time range against what Tencent can list now. The result
// does not depend on it, so that the same range is the same workflow.
func (d *Deps) backfillWindow(p BackfillParams, now time.Time) (sweep.Window, error) {
	zone, err := Zone(p.Zone)
	if err != nil {
		return sweep.Window{}, err
	}
	from, to, err := p.Range.Parse(zone)
	if err != nil {
		return sweep.Window{}, err
	}
	earliest := now.Add(-sweep.Reach)
	switch {
	case from.After(now):
		return sweep.Window{}, Errorf(Usage, "", "%s is in the future, so there are no calls yet", p.Range.FromFlag)
	case !to.After(earliest):
		return sweep.Window{}, Errorf(Usage, "nothing before "+earliest.UTC().Format(time.RFC3339)+" can be listed any more", "Tencent keeps records for seven days")
	case to.After(now):
		d.note("calls that end later are left to their callbacks and the sweep")
	}
	if from.Before(earliest) {
		d.note("Tencent keeps records for seven days, so nothing before %s is listed", earliest.UTC().Format(time.RFC3339))
	}
	return sweep.Window{From: from.Truncate(time.Second), To: to.Truncate(time.Second)}, nil
}

func (d *Deps) startBackfill(ctx context.Context, p workflows.SweepParams) (client.WorkflowRun, bool, error) {
	calls, err := d.starts()
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	run, attached, err := calls.Backfill(ctx, p)
	if err != nil {
		return nil, false, d.temporalError(err)
	}
	return run, attached, nil
}

// followBackfill observes a backfill until it ends.
func (d *Deps) followBackfill(ctx context.Context, run client.WorkflowRun, observe func(BackfillCounts, error)) (result workflows.SweepResult, err error) {
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, &result) }()
	ticker := time.NewTicker(observeInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			switch {
			case err == nil:
				return result, nil
			case ctx.Err() != nil:
				return result, Errorf(Failed, "the same command follows it again", "stopped following: the backfill %s goes on without", run.GetID())
			}
			return result, Errorf(Failed, "fix the cause and run the same command again: it goes on from there", "the backfill %s ended early: %w", run.GetID(), err)
		case <-ticker.C:
			if observe != nil {
				progress, err := d.backfillProgress(ctx, run.GetID())
				observe(newBackfillCounts(progress), err)
			}
		}
	}
}

// backfillProgress asks a running sweep or backfill how far it is.
func (d *Deps) backfillProgress(ctx context.Context, workflowID string) (workflows.SweepResult, error) {
	c, _, err := d.Temporal()
	if err != nil {
		return workflows.SweepResult{}, err
	}
	return ask(ctx, func(ctx context.Context) (progress workflows.SweepResult, err error) {
		value, err := c.QueryWorkflow(ctx, workflowID, "", workflows.QueryProgress)
		if err != nil {
			return progress, err
		}
		err = value.Get(&progress)
		return progress, err
	})
}
