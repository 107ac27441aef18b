package cli

import (
	"context"
	"fmt"
	"strings"

	"aftercall/internal/ops"
	"aftercall/internal/shell"
)

type startCommand struct {
	Format
	CallID        string `arg:"" name:"CALLID" help:"The call."`
	App           string `help:"Name or SDKAppID of the app; may be left out if only one is configured." placeholder:"APP"`
	DryRun        bool   `help:"Say what would be done, and do nothing."`
	WithoutRecord bool   `help:"Also start a call of which Tencent has no record, if it was seen (docs/evidence.md): a person decides about it."`
	Notify        bool   `help:"Notify the targets again of a charge that the ledger has lost. They get the same message, with the same ID."`
}

// Help explains by examples.
func (startCommand) Help() string {
	return `Reads the record of the call from Tencent and starts its workflow, as its callback would have done. A call that is in
the ledger or whose workflow is running is left alone, so it is safe to run this twice. A call whose workflow has ended
without an entry in the ledger is started again; if it had completed, its targets were notified, and are only notified again
with --notify. A call that ended before the app's go_live can be started, too.

A call without a record, whose callback never arrived, is started with --without-record, if events say that there was one. Its
workflow waits for the record until record_deadline, and then asks for a decision: aftercall review decide.

Examples:

  aftercall start 055662e1-bc8a-469c-a334-1126c8c17d58 --app clinic --dry-run
  aftercall start 055662e1-bc8a-469c-a334-1126c8c17d58 --app clinic
  aftercall start 055662e1-bc8a-469c-a334-1126c8c17d58 --app clinic --without-record`
}

// Run starts one call.
func (c startCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	result, err := d.Start(ctx, ops.StartParams{CallID: c.CallID, App: c.App, DryRun: c.DryRun, Notify: c.Notify, WithoutRecord: c.WithoutRecord})
	if err != nil {
		return err
	}
	return c.Print(p, result, func(s screen) { writeStart(s, result) })
}

func writeStart(s screen, r *ops.StartResult) {
	var outcome string
	switch r.Outcome {
	case ops.OutcomeStarted:
		outcome = "started"
	case ops.OutcomeWouldStart:
		outcome = "would be started"
	case ops.OutcomeStartedAgain:
		outcome = "started again: its workflow had ended, but the ledger has no entry"
	case ops.OutcomeWouldStartAgain:
		outcome = "would be started again: its workflow has ended, but the ledger has no entry"
	case ops.OutcomeInLedger:
		outcome = "nothing to do: the call is in the ledger, " + r.Entry.Sum()
	case ops.OutcomeHasWorkflow:
		outcome = "nothing to do: the workflow of the call is running; " + shell.Command("aftercall call", r.CallID) + " says where it is"
	}
	fields := [][2]string{{"Call", fmt.Sprintf("%s of %s (%s)", r.CallID, r.App, r.SDKAppID)}, {"Outcome", outcome}}
	if r.BeforeGoLive {
		fields = append(fields, [2]string{"Note", "it ended before the app's go_live"})
	}
	if r.Outcome == ops.OutcomeStarted || r.Outcome == ops.OutcomeStartedAgain || r.Outcome == ops.OutcomeHasWorkflow {
		fields = append(fields, [2]string{"Workflow", strings.TrimSpace(r.WorkflowID + "\n" + r.Link)})
	}
	writeFields(s, fields...)
}
