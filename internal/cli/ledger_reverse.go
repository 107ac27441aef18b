package cli

import (
	"context"
	"errors"
	"fmt"

	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/ops"
)

type ledgerReverseCommand struct {
	Format
	CallID     string `arg:"" name:"CALLID" help:"The call."`
	App        string `help:"Name or SDKAppID of the app, if two apps have a call with this CallId." placeholder:"APP"`
	Adjustment int    `help:"Reverse only the adjustment N of the call." placeholder:"N"`
	Force      bool   `help:"With --adjustment: let the call cost less than nothing."`
	Undo       bool   `help:"Take a mistaken reversal back: book the charge again, as the next revision, and its adjustments."`
	signatureFlags
}

// Help explains what the command does and does not do.
func (ledgerReverseCommand) Help() string {
	return `Books the negative of the call's charge, once. The call costs nothing afterwards, and a late callback or a sweep does
not charge it again. Nothing is changed or removed. The targets get the event call.reversed. Adjustments of the call are
reversed with its charge, all or nothing, and the targets get call.adjusted for each.

With --adjustment only an adjustment is reversed. With --undo a mistaken reversal is taken back: the charge is booked again,
as the next revision, with the adjustments that were reversed with it, and the targets get call.charged and call.adjusted.

To charge by another tariff instead, use aftercall ledger rerate. Repeating the command is safe.

Example:

  aftercall ledger reverse 055662e1-bc8a-469c-a334-1126c8c17d58 --operator alice --reason "the line was dead"
  aftercall ledger reverse 055662e1-bc8a-469c-a334-1126c8c17d58 --undo --operator bob --reason "it was another call"
  aftercall ledger reverse 055662e1-bc8a-469c-a334-1126c8c17d58 --adjustment 1 --operator bob --reason "credited twice"`
}

// Run books the reversal and notifies the targets.
func (c ledgerReverseCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	if c.Force && c.Adjustment == 0 {
		return ops.Errorf(ops.Usage, "", "--force: needs --adjustment; a charge is reversed with all adjustments, so that the call costs nothing")
	}
	reverse := d.Reverse
	if c.Undo {
		reverse = d.Reinstate
	}
	r, err := reverse(ctx, ops.ReverseParams{App: c.App, CallID: c.CallID, Adjustment: c.Adjustment, Force: c.Force, Signature: c.signature()})
	if r == nil {
		return err
	}
	return errors.Join(err, c.Print(p, r, func(s screen) { writeReversal(s, r) }))
}

func writeReversal(s screen, r *ops.Reversal) {
	all := append([]ops.ExplainedEntry{r.Entry}, r.Adjustments...)
	events := notify.EventCallReversed
	done := "It was reversed"
	switch {
	case r.Entry.Kind == ledger.KindCharge:
		done, events = "It was charged again", notify.EventCallCharged
		if r.Entry.Free() {
			events = notify.EventCallFree
		}
	case r.Entry.Adjusts():
		events = notify.EventCallAdjusted
	}
	if len(r.Adjustments) > 0 {
		events += " and " + notify.EventCallAdjusted
	}
	if r.Booked {
		for _, e := range all {
			fmt.Fprintf(s, "Booked %s: %s %s.\n", printable(e.Key), e.Amount, e.Currency)
		}
		fmt.Fprintf(s, "The call costs %s now.\n", r.Costs)
	} else {
		writeParagraph(s, "", fmt.Sprintf("%s before, at %s by %s (%s): nothing was booked.", done, dateTimeUTC(r.Entry.BookedAt), r.Entry.Operator, r.Entry.Reason))
		fmt.Fprintf(s, "The call costs %s.\n", r.Costs)
	}
	if r.Notified {
		fmt.Fprintf(s, "The targets are notified with %s.\n", events)
	}
}
