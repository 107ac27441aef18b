package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aftercall/internal/ops"
)

type backfillCommand struct {
	Format
	App    string `help:"Name or SDKAppID of the app; may be left out if only one is configured." placeholder:"APP"`
	From   string `required:"" help:"Beginning of the time range: a day, as in 2026-03-01, or a time, as in 2026-03-01T12:00." placeholder:"TIME"`
	To     string `required:"" help:"Its end: a day, which is included, or a time." placeholder:"TIME"`
	Zone   string `help:"Time zone of days, and of times without an offset, as in Asia/Shanghai." default:"UTC"`
	DryRun bool   `help:"Count what would be started, and start nothing."`
	Notify bool   `help:"Notify the targets again of charges that the ledger has lost. They get the same messages, with the same IDs."`
}

// Help explains by examples.
func (backfillCommand) Help() string {
	return `Lists the records that Tencent has of a time range, within the last seven days, and starts the calls that were not
handled, as the sweep does. Calls that are in the ledger or have a running workflow are left alone, so it is safe to run this
twice, while the sweep runs, and while callbacks arrive. Calls that ended before the app's go_live are not
started; without go_live, calls from before the app's first start are, which no sweep starts.

A call whose workflow has completed, but that the ledger does not have (a restored copy), is charged again. Its targets were
notified then, and are only notified again with --notify.

The workers run it: after Ctrl-C it continues, and the same command follows it again.

Examples:

  aftercall backfill --app clinic --from 2026-03-01 --to 2026-03-01 --zone Asia/Shanghai --dry-run
  aftercall backfill --app clinic --from 2026-03-01T22:15 --to 2026-03-02T06:00`
}

// Run starts the backfill, or attaches to it, and follows it to its end.
func (c backfillCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	progress := newBackfillProgress(p)
	result, err := d.Backfill(ctx, ops.BackfillParams{
		App: c.App, Range: ops.Range{From: c.From, To: c.To, FromFlag: "--from", ToFlag: "--to"}, Zone: c.Zone,
		DryRun: c.DryRun, Notify: c.Notify, Observe: progress.show,
	})
	progress.finish()
	if result == nil {
		return err
	}
	return errors.Join(c.Print(p, result, func(s screen) { writeBackfill(s, result) }), err)
}

func writeBackfill(s screen, r *ops.BackfillResult) {
	started := "Started"
	if r.DryRun {
		started = "Would start"
	}
	examples := strings.Join(r.Examples, "\n")
	if more := r.Started - len(r.Examples); more > 0 && examples != "" {
		examples += fmt.Sprintf("\nand %d more", more)
	}
	fields := [][2]string{
		{"Backfill", fmt.Sprintf("%s, %s to %s", r.App, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))},
		{"Workflow", strings.TrimSpace(r.WorkflowID + "\n" + r.Link)},
		{"Listed", fmt.Sprint(r.Listed)},
		{"Known", fmt.Sprintf("%d in the ledger or with a running workflow", r.Known)},
		{started, fmt.Sprint(r.Started)},
	}
	if examples != "" {
		fields = append(fields, [2]string{"", examples})
	}
	if r.BeforeGoLive > 0 {
		fields = append(fields, [2]string{"Not started", fmt.Sprintf("%d from before go_live", r.BeforeGoLive)})
	}
	for _, f := range []struct {
		n           int
		name, words string
	}{
		{r.StartedAgain, started + " again", "%d whose workflow had ended, but that the ledger did not have"},
		{r.HeldBack, "Held back", "%d that cannot be started; aftercall sweep status says why"},
		{r.Conflicts, "Not charged", "%d whose workflow has failed; aftercall sweep status says why"},
		{r.Unlisted, "Not listed", "%d that Tencent counts, but does not list"},
		{r.Failed, "Failed", "%d"},
	} {
		if f.n > 0 {
			fields = append(fields, [2]string{f.name, fmt.Sprintf(f.words, f.n)})
		}
	}
	writeFields(s, fields...)
}
