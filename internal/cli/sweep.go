package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/ops"
)

type sweepCommands struct {
	Status  sweepStatusCommand  `cmd:"" help:"Show for each app whether its sweep runs, and up to when calls are listed."`
	Dismiss sweepDismissCommand `cmd:"" help:"Take off the list what is held back and was resolved in another way."`
}

type sweepStatusCommand struct {
	ListFormat
	App string `help:"Name or SDKAppID of the app; without it, all apps are shown." placeholder:"APP"`
}

// Help explains by examples.
func (sweepStatusCommand) Help() string {
	return `The sweep finds calls whose callback was lost. Shown are its schedule, up to when all calls are listed, the last run with
its result or failure, the backfills that are running, the calls that are held back because they cannot be started, and
those whose workflow has failed. The exit code is 3 when a sweep is paused, missing or behind, or such a call is listed.

Examples:

  aftercall sweep status
  aftercall sweep status --app clinic --output json | jq '.[].last_run'`
}

// Run shows the sweeps.
func (c sweepStatusCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	sweeps, err := d.Sweeps(ctx, c.App)
	if sweeps == nil {
		return err
	}
	return errors.Join(c.Print(
		p, sweeps,
		func(w io.Writer) error { return writeCSV(w, sweeps, sweepColumns) },
		func(s screen) {
			writeTable(s, sweeps, sweepColumns)
			for _, sweep := range sweeps {
				writeUnstarted(s, sweep)
				for _, b := range sweep.Backfills {
					fmt.Fprintf(s, "\nbackfill of %s is running: %s\n%d of %d windows, %d started\n", sweep.App, printable(b.WorkflowID), b.Windows, b.Planned, b.Started)
				}
			}
		},
	), err)
}

var sweepColumns = []column[ops.SweepStatus]{
	{key: "app", value: func(s ops.SweepStatus) string { return s.App }},
	{key: "sdk_app_id", value: func(s ops.SweepStatus) string { return s.SDKAppID.String() }, csvOnly: true},
	{key: "state", value: func(s ops.SweepStatus) string { return string(s.State) }, paint: func(s screen, sweep ops.SweepStatus, cell string) string {
		switch sweep.State {
		case ops.SweepOn:
			return s.green(cell)
		case ops.SweepPaused, ops.SweepMissing, ops.SweepUnknown:
			return s.red(cell)
		case ops.SweepOff:
		}
		return cell
	}},
	{key: "note", value: func(s ops.SweepStatus) string { return s.Note }, csvOnly: true, foreign: true},
	{key: "every_seconds", title: "every", value: func(s ops.SweepStatus) string { return strconv.FormatInt(s.EverySeconds, 10) }, text: func(s ops.SweepStatus) string { return duration(s.EverySeconds) }, drop: 3},
	{key: "task_queue", value: func(s ops.SweepStatus) string { return s.TaskQueue }, csvOnly: true, foreign: true},
	{key: "unserved", value: func(s ops.SweepStatus) string { return s.Unserved }, csvOnly: true, foreign: true},
	{key: "swept_to", title: "swept to (UTC)", value: func(s ops.SweepStatus) string { return csvTime(s.SweptTo) }, text: func(s ops.SweepStatus) string { return shortTime(s.SweptTo) }, drop: 1},
	{
		key: "lag_seconds", title: "lag", right: true,
		value: func(s ops.SweepStatus) string { return strconv.FormatInt(s.LagSeconds, 10) },
		text:  func(s ops.SweepStatus) string { return duration(s.LagSeconds) },
		paint: func(s screen, sweep ops.SweepStatus, cell string) string {
			if sweep.Behind {
				return s.red(cell)
			}
			return cell
		},
	},
	{key: "behind", value: func(s ops.SweepStatus) string { return strconv.FormatBool(s.Behind) }, csvOnly: true},
	{key: "next_run_at", title: "next run (UTC)", value: func(s ops.SweepStatus) string { return csvTime(s.NextRunAt) }, text: func(s ops.SweepStatus) string { return shortTime(s.NextRunAt) }, drop: 2},
	{key: "last_run", value: func(s ops.SweepStatus) string { return lastRunWords(s.LastRun) }, wrap: true, foreign: true},
	{key: "backfills", value: func(s ops.SweepStatus) string { return strconv.Itoa(len(s.Backfills)) }, csvOnly: true},
	{key: "held_back", value: func(s ops.SweepStatus) string { return strconv.Itoa(len(s.HeldBack)) }, csvOnly: true},
	{key: "dismissed", value: func(s ops.SweepStatus) string { return strconv.Itoa(len(s.Dismissed)) }, csvOnly: true},
	{key: "conflicts", value: func(s ops.SweepStatus) string { return strconv.Itoa(len(s.Conflicts)) }, csvOnly: true},
	{key: "problems", value: func(s ops.SweepStatus) string { return strings.Join(s.Problems, "; ") }, csvOnly: true},
}

func duration(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return (time.Duration(seconds) * time.Second).String()
}

// lastRunWords says in short what the last run did.
func lastRunWords(run *ops.SweepRun) string {
	switch {
	case run == nil:
		return ""
	case run.State == "":
		return "started " + csvTime(run.StartedAt)
	case run.State == "completed":
		words := fmt.Sprintf("%d listed, %d started, %d failed", run.Listed, run.Started, run.Failed)
		for _, c := range []struct {
			n     int
			words string
		}{
			{run.StartedAgain, "%d charged again, which the ledger had lost"},
			{run.HeldBack, "%d held back"},
			{run.Conflicts, "%d with a failed workflow"},
			{run.Unlisted, "%d counted by Tencent, but not listed"},
		} {
			if c.n > 0 {
				words += ", " + fmt.Sprintf(c.words, c.n)
			}
		}
		if !run.CorrectedFrom.IsZero() {
			words += "; progress " + csvTime(run.CorrectedFrom) + " was in the future and was discarded"
		}
		if run.Failure != "" {
			words += ": " + run.Failure
		}
		return words
	case run.Failure != "":
		return run.State + ": " + run.Failure
	}
	return fmt.Sprintf("%s: %d of %d windows", run.State, run.Windows, run.Planned)
}

// writeUnstarted lists the calls of an app that sweeps could not start, and those
// that were dismissed.
func writeUnstarted(s screen, sweep ops.SweepStatus) {
	for _, h := range sweep.HeldBack {
		fmt.Fprintf(s, "\nheld back of %s since %s: %s\n%s\n%d attempts, the next at %s; key %s\n", sweep.App, csvTime(h.Since),
			printable(h.Name()), s.red(printable(h.Reason)), h.Attempts, csvTime(h.NextAttemptAt), h.ShortKey())
	}
	for _, h := range sweep.Dismissed {
		fmt.Fprintf(s, "\ndismissed of %s at %s by %s: %s\n%s\n", sweep.App, csvTime(h.Dismissal.At), printable(h.Dismissal.Operator),
			printable(h.Name()), printable(h.Dismissal.Reason))
	}
	for _, c := range sweep.Conflicts {
		fmt.Fprintf(s, "\nworkflow of %s failed at %s: %s\n%s\n→ %s\n", sweep.App, csvTime(c.ClosedAt), printable(c.CallID), s.red(printable(c.Failure)), printable(c.Cure))
	}
}
