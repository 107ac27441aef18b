package cli

import (
	"context"
	"fmt"

	"aftercall/internal/ops"
)

type sweepDismissCommand struct {
	Format
	ID       string `arg:"" name:"ID" help:"CallId of the call, or at least eight digits of the key, as in aftercall sweep status."`
	App      string `help:"Name or SDKAppID of the app, if two apps hold back the same call." placeholder:"APP"`
	Operator string `help:"Your name. It is kept in the ledger's database." placeholder:"NAME"`
	Reason   string `help:"What was done about it instead. It is kept in the ledger's database." placeholder:"TEXT"`
}

// Help explains what the command does and does not do.
func (sweepDismissCommand) Help() string {
	return `For a call or row that sweeps hold back and cannot charge, once you have resolved it in another way. Sweeps no longer try
it, and aftercall check and the alert no longer report it. Nothing is charged, and nothing is removed: for seven days
aftercall sweep status shows who dismissed what, and why. aftercall start still starts it.

Example:

  aftercall sweep dismiss 9f86d081884c --operator alice --reason "no such call; Tencent's ticket 4711"`
}

// Run dismisses it.
func (c sweepDismissCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	r, err := d.Dismiss(ctx, c.App, c.ID, ops.Signature{Operator: c.Operator, Reason: c.Reason})
	if err != nil {
		return err
	}
	return c.Print(p, r, func(s screen) {
		if r.Dismissed {
			fmt.Fprintf(s, "Dismissed: %s, held back of %s since %s.\n", printable(r.Name()), r.App, dateTimeUTC(r.Since))
			return
		}
		writeParagraph(s, "", fmt.Sprintf("It was dismissed before, at %s by %s (%s): nothing was changed.", dateTimeUTC(r.Dismissal.At), r.Dismissal.Operator, r.Dismissal.Reason))
	})
}
