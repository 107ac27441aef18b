package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/sweep"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

type backfillCommand struct {
	cli.Output
	App    string  `help:"Name or SDKAppID of the app; may be left out if there is but one."`
	From   instant `required:"" help:"When the stretch of time begins, as in 2026-03-01 or 2026-03-01T22:15:00+08:00; UTC if no zone is given."`
	To     instant `required:"" help:"When it ends, likewise."`
	DryRun bool    `help:"Say what would be started, and start nothing."`
}

// Help teaches.
func (backfillCommand) Help() string {
	return `Lists what Tencent knows of a stretch of time, at most the last seven days, and
starts the calls that nobody has handled, as the sweep does. What is in the
ledger or has a workflow is left alone, so that it is safe to run twice, beside
the sweep, and while callbacks arrive. Calls from before the app's go_live are
not started.

The work is done by the workers: after Ctrl-C it goes on, and the same command
watches it again.

Examples:

  starter backfill --app clinic --from 2026-03-01 --to 2026-03-02 --dry-run
  starter backfill --app clinic --from 2026-03-01T22:15:00Z --to 2026-03-02T06:00:00Z`
}

// instant is a point in time on the command line.
type instant struct{ time.Time }

// UnmarshalText reads RFC 3339, or less of it in UTC.
func (i *instant) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		at, err := time.Parse(layout, string(text))
		if err == nil {
			i.Time = at.Truncate(time.Second)
			return nil
		}
	}
	return errors.New("must be as in 2026-03-01, 2026-03-01T22:15 (UTC) or 2026-03-01T22:15:00+08:00")
}

// backfillReport is the result of the command.
type backfillReport struct {
	App        string    `json:"app"`
	WorkflowID string    `json:"workflow_id"`
	Link       string    `json:"link,omitempty"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	DryRun     bool      `json:"dry_run"`
	// Attached says that the backfill was under way already.
	Attached     bool `json:"attached"`
	Listed       int  `json:"listed"`
	Known        int  `json:"known"`
	Started      int  `json:"started"`
	Failed       int  `json:"failed"`
	BeforeGoLive int  `json:"before_go_live"`
	// Examples are some of the CallIds that were, or would be, started.
	Examples []string `json:"examples"`
}

func (r backfillReport) write(w io.Writer) {
	started := "Started"
	if r.DryRun {
		started = "Would start"
	}
	examples := strings.Join(r.Examples, "\n")
	if more := r.Started - len(r.Examples); more > 0 && examples != "" {
		examples += fmt.Sprintf("\nand %d more", more)
	}
	fields := [][2]string{
		{"Backfill", fmt.Sprintf("%s, %s to %s", r.App, r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339))},
		{"Workflow", strings.TrimSpace(r.WorkflowID + "\n" + r.Link)},
		{"Listed", fmt.Sprint(r.Listed)},
		{"Known", fmt.Sprintf("%d in the ledger or with a workflow", r.Known)},
		{started, fmt.Sprint(r.Started)},
	}
	if examples != "" {
		fields = append(fields, [2]string{"", examples})
	}
	if r.BeforeGoLive > 0 {
		fields = append(fields, [2]string{"Left alone", fmt.Sprintf("%d from before go_live", r.BeforeGoLive)})
	}
	if r.Failed > 0 {
		fields = append(fields, [2]string{"Failed", fmt.Sprint(r.Failed)})
	}
	cli.Fields(w, fields...)
}

// between checks the stretch of time against what Tencent can list.
func (c backfillCommand) between(now time.Time, stderr io.Writer) (sweep.Window, error) {
	earliest := now.Add(-sweep.Reach)
	switch {
	case !c.From.Before(c.To.Time):
		return sweep.Window{}, cli.Errorf(cli.Usage, "", "--from must be before --to")
	case c.To.After(now):
		return sweep.Window{}, cli.Errorf(cli.Usage, "calls to come are the callbacks' and the sweep's: end at "+now.UTC().Format(time.RFC3339)+" or before", "--to is in the future")
	case !c.To.After(earliest):
		return sweep.Window{}, cli.Errorf(cli.Usage, "what is older than "+earliest.UTC().Format(time.RFC3339)+" cannot be listed any more", "Tencent keeps records for seven days")
	case c.From.Before(earliest):
		fmt.Fprintf(stderr, "note: Tencent keeps records for seven days, so nothing before %s is listed\n", earliest.UTC().Format(time.RFC3339))
	}
	return sweep.Window{From: c.From.Time, To: c.To.Time}, nil
}

// Run starts the backfill, or attaches to it, and follows it to its end.
func (c backfillCommand) Run(ctx context.Context, p cli.Process) error {
	between, err := c.between(time.Now(), p.Stderr)
	if err != nil {
		return err
	}
	return usingApp(ctx, p, c.App, func(t *tools, app *config.App) error { return c.fill(ctx, t, app, between) })
}

func (c backfillCommand) fill(ctx context.Context, t *tools, app *config.App, between sweep.Window) error {
	params := workflows.SweepParams{SDKAppID: app.SDKAppID, App: app.Name, TimeRange: &between, DryRun: c.DryRun}
	run, attached, err := c.start(ctx, t, params)
	if err != nil {
		return err
	}
	if attached {
		fmt.Fprintf(t.process.Stderr, "note: this backfill is under way already: %s\n", run.GetID())
	}
	result, err := follow(ctx, t, app, run)
	if err != nil {
		return err
	}
	report := backfillReport{
		App: app.Name, WorkflowID: run.GetID(), Link: t.link(run.GetID(), run.GetRunID()),
		From: between.From, To: between.To, DryRun: c.DryRun, Attached: attached,
		Listed: result.Listed, Known: result.Known, Started: result.Recovered, Failed: result.Failed,
		BeforeGoLive: result.BeforeGoLive, Examples: append([]string{}, result.Examples...),
	}
	if err := c.Print(t.process.Stdout, report, report.write); err != nil {
		return err
	}
	if result.Failed > 0 {
		return cli.Errorf(cli.Failed, "run the same command again: what was started is known by then", "%d calls could not be started", result.Failed)
	}
	return nil
}

func (backfillCommand) start(ctx context.Context, t *tools, p workflows.SweepParams) (client.WorkflowRun, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	run, attached, err := launch.NewCalls(t.temporal, t.settings.TaskQueue).Backfill(ctx, p)
	if err != nil {
		return nil, false, t.temporalError(err)
	}
	return run, attached, nil
}

// follow shows how far a backfill is until it ends.
func follow(ctx context.Context, t *tools, app *config.App, run client.WorkflowRun) (result workflows.SweepResult, err error) {
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, &result) }()
	bar := newProgress(t.process, app.Name)
	defer bar.finish()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			switch {
			case err == nil:
				return result, nil
			case ctx.Err() != nil:
				return result, cli.Errorf(cli.Failed, "the same command watches it again", "stopped watching: the backfill %s goes on without", run.GetID())
			}
			return result, cli.Errorf(cli.Failed, "mend what it says, and run the same command again: it goes on from there", "the backfill %s ended early: %w", run.GetID(), err)
		case <-ticker.C:
			bar.show(ask(ctx, func(ctx context.Context) (done workflows.SweepResult, err error) {
				value, err := t.temporal.QueryWorkflow(ctx, run.GetID(), "", workflows.QueryProgress)
				if err != nil {
					return done, err
				}
				return done, value.Get(&done)
			}))
		}
	}
}
