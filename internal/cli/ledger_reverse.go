package cli

import (
	"context"
	"errors"
	"fmt"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
)

type ledgerReverseCommand struct {
	Format
	CallID string `arg:"" name:"CALLID" help:"The call."`
	App    string `help:"Name or SDKAppID of the app, if two apps have a call with this CallId." placeholder:"APP"`
	Undo   bool   `help:"Take a mistaken reversal back: book the charge again, as the next revision."`
	signatureFlags
}

// Help explains what the command does and does not do.
func (ledgerReverseCommand) Help() string {
	return `Books the negative of the call's charge, once. The call is charged nothing afterwards, and a late callback or a sweep does
not charge it again. Nothing is changed or removed. The targets get the event call.reversed.

With --undo a mistaken reversal is taken back: the charge is booked again, as the next revision, and the targets get
call.charged.

To charge another amount instead, use aftercall ledger rerate. Repeating the command is safe.

Example:

  aftercall ledger reverse 055662e1-bc8a-469c-a334-1126c8c17d58 --operator alice --reason "the line was dead"
  aftercall ledger reverse 055662e1-bc8a-469c-a334-1126c8c17d58 --undo --operator bob --reason "it was another call"`
}

// Run books the reversal and notifies the targets.
func (c ledgerReverseCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	reverse := d.Reverse
	if c.Undo {
		reverse = d.Reinstate
	}
	r, err := reverse(ctx, c.App, c.CallID, c.signature())
	if r == nil {
		return err
	}
	return errors.Join(err, c.Print(p, r, func(s screen) { writeReversal(s, r) }))
}

func writeReversal(s screen, r *ops.Reversal) {
	done, event := "It was reversed", "call.reversed"
	if r.Entry.Kind == ledger.KindCharge {
		done, event = "It was charged again", "call.charged"
	}
	if r.Booked {
		fmt.Fprintf(s, "Booked %s: %s %s.\n", printable(r.Entry.Key), r.Entry.Amount, r.Entry.Currency)
	} else {
		writeParagraph(s, "", fmt.Sprintf("%s before, at %s by %s (%s): nothing was booked.", done, dateTimeUTC(r.Entry.BookedAt), r.Entry.Operator, r.Entry.Reason))
	}
	if r.Notified {
		fmt.Fprintln(s, "The targets are notified with "+event+".")
	}
}
