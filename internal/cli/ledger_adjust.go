package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"aftercall/internal/ops"
)

type ledgerAdjustCommand struct {
	Format
	CallID string       `arg:"" name:"CALLID" help:"The call."`
	App    string       `help:"Name or SDKAppID of the app, if two apps have a call with this CallId." placeholder:"APP"`
	Amount signedNumber `required:"" help:"How much more the call costs, in its currency and digits: -0.10 is a credit, 0.10 a surcharge." placeholder:"AMOUNT"`
	Number int          `help:"Which adjustment of the call this is, from 1. Needed only to adjust a call by the same amount once more." placeholder:"N"`
	Force  bool         `help:"Let the call cost less than nothing."`
	DryRun bool         `short:"n" help:"Print what would be booked, and book nothing."`
	signatureFlags
}

// signedNumber is a number that can begin with a minus, which is not that of a flag.
type signedNumber string

// Decode takes the next word as it is.
func (n *signedNumber) Decode(ctx *kong.DecodeContext) error {
	word := ctx.Scan.Pop()
	if word.IsEOL() {
		return errors.New("is missing")
	}
	if strings.HasPrefix(word.String(), "--") {
		return fmt.Errorf("%q is a flag, not a number", word.String())
	}
	*n = signedNumber(word.String())
	return nil
}

// Help explains what the command does and does not do.
func (ledgerAdjustCommand) Help() string {
	return `Books a credit or a surcharge beside the call's charge, which stays as it is. The call must not cost less than nothing
afterwards, except with --force. The targets get the event call.adjusted.

Repeating the command is safe: the same amount is booked once more only with --number, which the command prints. To take an
adjustment back: aftercall ledger reverse CALLID --adjustment N.

Examples:

  aftercall ledger adjust 055662e1-bc8a-469c-a334-1126c8c17d58 --amount -0.10 --operator alice --reason "the picture froze"
  aftercall ledger adjust 055662e1-bc8a-469c-a334-1126c8c17d58 --amount "0.25 USD" --operator alice --reason "interpreter" --dry-run`
}

// Run books the adjustment and notifies the targets.
func (c ledgerAdjustCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	a, err := d.Adjust(ctx, ops.AdjustParams{
		App: c.App, CallID: c.CallID, Amount: string(c.Amount), Number: c.Number, Force: c.Force, DryRun: c.DryRun, Signature: c.signature(),
	})
	if a == nil {
		return err
	}
	printed := c.Print(p, a, func(s screen) { writeAdjusted(s, a) })
	if err == nil && printed == nil && c.DryRun {
		fmt.Fprintln(p.Stderr, "note: nothing was booked; without --dry-run it is")
	}
	return errors.Join(err, printed)
}

func writeAdjusted(s screen, a *ops.Adjusted) {
	switch {
	case a.Earlier != nil:
		reversed := ""
		if a.Reversed {
			reversed = ", and reversed since"
		}
		writeParagraph(s, "", fmt.Sprintf("It was booked before, at %s by %s (%s)%s: nothing was booked. To adjust the call by %s %s once more, add --number %d.",
			dateTimeUTC(a.Earlier.BookedAt), a.Earlier.Operator, a.Earlier.Reason, reversed, a.Amount, a.Currency, a.Next))
		fmt.Fprintf(s, "The call costs %s %s.\n", a.NewAmount, a.Currency)
	case a.Booked:
		fmt.Fprintf(s, "Booked %s: %s %s.\n", printable(a.Key), a.Amount, a.Currency)
		fmt.Fprintf(s, "The call costs %s %s now, instead of %s.\n", a.NewAmount, a.Currency, a.OldAmount)
	default:
		fmt.Fprintf(s, "Would book %s: %s %s.\n", printable(a.Key), a.Amount, a.Currency)
		fmt.Fprintf(s, "The call would cost %s %s, instead of %s.\n", a.NewAmount, a.Currency, a.OldAmount)
	}
	if a.Notified {
		fmt.Fprintln(s, "The targets are notified with call.adjusted.")
	}
}
