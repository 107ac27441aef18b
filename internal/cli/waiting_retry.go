package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aftercall/internal/ops"
	"aftercall/workflows"
)

type waitingRetryCommand struct {
	Format
	CallID string          `arg:"" optional:"" name:"CALLID" help:"The call."`
	All    bool            `help:"All calls that wait, of --app, --stage and --reason if these are given."`
	App    string          `help:"Name or SDKAppID of the app; without it, all apps." placeholder:"APP"`
	Stage  workflows.Stage `help:"With --all: only calls in this stage: waiting, record, charge, review or notify." placeholder:"STAGE"`
	Reason string          `help:"With --all: only calls for which what they wait for, or their last failure, contains TEXT, as in aftercall waiting." placeholder:"TEXT"`
	DryRun bool            `help:"List the calls, and retry nothing."`
}

// Help says what is retried, and what is not.
func (waitingRetryCommand) Help() string {
	return `Once the cause is removed, calls go on at their next attempt, which can be minutes away. This makes the attempt now: of
every step that waits for one (the record, the charge, deliveries), and the look for the record of a call that is in
review because Tencent had none. It is safe at any time: nothing is charged or accepted twice. If the attempt fails, the
delays begin anew; how long a delivery or a record is waited for does not change.

Not retried are calls that wait for a person's decision (aftercall review decide), a step of which an attempt is under way or
waits for a worker, a step before its second attempt (two to four minutes later, or as the target asked), deliveries of corrections and
what targets have refused (aftercall resend), and what sweeps hold back (aftercall sweep status). A delivery to a target whose
circuit breaker is open is held again until the breaker's next test.

Examples:

  aftercall waiting retry 055662e1-bc8a-469c-a334-1126c8c17d58
  aftercall waiting retry --all --stage notify --reason "crm: " --dry-run
  aftercall waiting retry --all --app clinic`
}

// Run retries the calls.
func (c waitingRetryCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	result, err := d.Retry(ctx, ops.RetryParams{CallID: c.CallID, All: c.All, App: c.App, Stage: c.Stage, Reason: c.Reason, DryRun: c.DryRun})
	if result == nil {
		return err
	}
	return errors.Join(c.Print(p, result, func(s screen) { writeRetried(s, result) }), err)
}

var retriedColumns = []column[ops.RetriedCall]{
	{key: "app", value: func(r ops.RetriedCall) string { return r.App }, drop: 1},
	{key: "call_id", title: "call", value: func(r ops.RetriedCall) string { return r.CallID }},
	{key: "stage", value: func(r ops.RetriedCall) string { return string(r.Stage) }, drop: 2},
	{key: "outcome", value: func(r ops.RetriedCall) string { return strings.ReplaceAll(string(r.Outcome), "_", " ") }},
	{key: "detail", value: retriedDetail, wrap: true, paint: func(s screen, r ops.RetriedCall, line string) string {
		if r.Outcome == ops.OutcomeRetryFailed {
			return s.red(line)
		}
		return line
	}},
}

// retriedDetail is what is retried, or why nothing is.
func retriedDetail(r ops.RetriedCall) string {
	if r.Detail != "" {
		return r.Detail
	}
	return r.WaitingFor
}

func writeRetried(s screen, r *ops.RetriedAll) {
	if len(r.Calls) == 0 {
		fmt.Fprintln(s, "No such call is waiting.")
		return
	}
	writeTable(s, r.Calls, retriedColumns)
	fmt.Fprintln(s)
	if r.DryRun {
		fmt.Fprintf(s, "Would retry %d of %d calls; without --dry-run, this does.\n", r.Retried, len(r.Calls))
		return
	}
	fmt.Fprintf(s, "Retried %d of %d calls.\n", r.Retried, len(r.Calls))
}
