package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/schollz/progressbar/v3"

	"aftercall/internal/ops"
	"aftercall/workflows"
)

// decideAll decides about all calls that the flags choose.
func (c reviewDecideCommand) decideAll(ctx context.Context, p Process, d *ops.Deps, decision workflows.DecideParams) error {
	params := ops.DecideAllParams{App: c.App, Kind: c.ReasonKind, Decision: decision, DryRun: c.DryRun}
	if p.Interactive() {
		bar := progressbar.NewOptions(
			-1, progressbar.OptionSetWriter(p.Stderr), progressbar.OptionSetDescription("deciding"),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
		)
		params.Observe = func(done, total int) {
			bar.ChangeMax(total)
			_ = bar.Set(done) // the terminal may be gone; the decisions go on
		}
		defer func() { _ = bar.Finish() }()
	}
	result, err := d.DecideAll(ctx, params)
	if result == nil {
		return err
	}
	return errors.Join(c.Print(p, result, func(s screen) { writeDecidedAll(s, result) }), err)
}

var decidedColumns = []column[ops.DecidedCall]{
	{key: "app", value: func(d ops.DecidedCall) string { return d.App }, foreign: true, drop: 1},
	{key: "call_id", title: "call", value: func(d ops.DecidedCall) string { return d.CallID }, foreign: true},
	{key: "reason_kind", value: func(d ops.DecidedCall) string { return string(d.Kind) }, drop: 2},
	{key: "outcome", value: func(d ops.DecidedCall) string { return string(d.Outcome) }},
	{key: "detail", value: func(d ops.DecidedCall) string { return d.Detail }, foreign: true, wrap: true},
}

// writeDecidedAll lists the calls of a dry run, and those that were not decided
// as asked, and sums up.
func writeDecidedAll(s screen, r *ops.DecidedAll) {
	var shown []ops.DecidedCall
	for _, call := range r.Calls {
		if call.Outcome != ops.OutcomeDecided {
			shown = append(shown, call)
		}
	}
	if len(shown) > 0 {
		writeTable(s, shown, decidedColumns)
		fmt.Fprintln(s)
	}
	if r.DryRun {
		fmt.Fprintf(s, "Would decide about %d calls; without --dry-run, this does.\n", r.Decided)
		return
	}
	fmt.Fprintf(s, "Decided about %d of %d calls.\n", r.Decided, len(r.Calls))
	if r.RecordDecided > 0 {
		writeParagraph(s, "", fmt.Sprintf("%d have a record by now, which decides instead: they are charged by it, or stay in review for another reason.", r.RecordDecided))
	}
	if r.NotDecided > 0 {
		fmt.Fprintln(s, s.red(fmt.Sprintf("%d were not decided.", r.NotDecided)))
	}
}
