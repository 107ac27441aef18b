package cli

import (
	"context"
	"fmt"

	"aftercall/internal/billing"
	"aftercall/internal/ops"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

type reviewDecideCommand struct {
	Format
	CallID           string            `arg:"" optional:"" name:"CALLID" help:"The call."`
	All              bool              `help:"Decide about all calls in review, or those that --app and --reason-kind select."`
	ReasonKind       ops.ReasonKind    `help:"With --all: only calls without a record (no-record), with a record that cannot be read (unreadable), or that record or tariff send to review (rules)." enum:",no-record,unreadable,rules" default:"" placeholder:"KIND"`
	DryRun           bool              `help:"With --all: list the calls, and decide nothing."`
	App              string            `help:"Name or SDKAppID of the app; needed if several have a call with this CallId." placeholder:"APP"`
	Verdict          billing.Verdict   `required:"" enum:"charge,waive,charge-as" help:"charge: the record is right. waive: charge nothing. charge-as: charge --connected-seconds."`
	ConnectedSeconds int64             `help:"How long the call was really connected, for charge-as." placeholder:"N"`
	Payer            string            `help:"The account that pays, where Tencent has not confirmed who made the call, or the rule of the app does not say who pays." placeholder:"ACCOUNT"`
	EndedAt          string            `help:"When the call ended, as in 2026-03-01T12:00:00+08:00, for charge-as where Tencent has not confirmed it." placeholder:"TIME"`
	Media            tencent.MediaType `help:"Audio or Video, if the record does not say." placeholder:"MEDIA"`
	CallType         tencent.CallType  `help:"SingleCall or MultiCall, if the record does not say." placeholder:"TYPE"`
	signatureFlags
}

// Help explains by examples.
func (reviewDecideCommand) Help() string {
	return `The decision is carried out at once: the call is charged by its tariff, and operator, reason and verdict are kept in the
ledger. A decision that is not possible is refused with the reason, and the call stays in review.

The record is read again first. If Tencent has one by now, or another one, it decides instead: the call is charged by it, or
stays in review for another reason, and the command says so. Without a record, --payer names who pays; what the callback claims never counts.
--ended-at names when it ended; it is needed only where the callback claims a time that cannot be true.

Examples:

  aftercall review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict charge --operator alice --reason "checked with the doctor"
  aftercall review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict charge-as --connected-seconds 300 \
    --operator alice --reason "five minutes by the doctor's log"
  aftercall review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict charge-as --connected-seconds 300 --payer patient-1001 \
    --operator alice --reason "there is no record; five minutes by the doctor's log"
  aftercall review decide 055662e1-bc8a-469c-a334-1126c8c17d58 --verdict waive --operator alice --reason "test call"
  aftercall review decide --all --reason-kind no-record --app clinic --verdict waive --operator alice --reason "forged" --dry-run`
}

// Run sends the decision and waits until it is in the ledger.
func (c reviewDecideCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	ended, err := ops.Moment("--ended-at", c.EndedAt)
	if err != nil {
		return err
	}
	decision := workflows.DecideParams{
		Verdict: c.Verdict, ConnectedSeconds: c.ConnectedSeconds, MediaType: c.Media, CallType: c.CallType,
		Payer: c.Payer, EndedAt: ended, By: c.Operator, Reason: c.Reason,
	}
	switch {
	case c.All && c.CallID != "":
		return ops.Errorf(ops.Usage, "leave one of them out", "CALLID and --all exclude each other")
	case c.All:
		return c.decideAll(ctx, p, d, decision)
	case c.DryRun || c.ReasonKind != "":
		return ops.Errorf(ops.Usage, "", "--dry-run and --reason-kind are for --all")
	}
	result, err := d.Decide(ctx, c.App, c.CallID, decision)
	if err != nil {
		return err
	}
	return c.Print(p, result, func(s screen) {
		fmt.Fprintf(s, "Decided: %s, %s %s for %d s.\nLedger entry: %s\n",
			result.Outcome, result.Amount, result.Currency, result.BilledSeconds, printable(result.LedgerKey))
	})
}
