package cli

import (
	"context"
	"fmt"

	"aftercall/internal/ops"
	"aftercall/internal/statement"
)

type ledgerStatementCommand struct {
	Payer      string           `help:"Account that is charged: the caller, unless the app has another payer." placeholder:"ACCOUNT"`
	All        bool             `help:"A statement for each payer with calls in the month, into --dir."`
	Month      string           `help:"Month in which calls ended, as in 2026-11." placeholder:"MONTH" required:""`
	Zone       string           `help:"Time zone of the month and of all times, as in Asia/Shanghai." default:"UTC"`
	App        string           `help:"Only calls of this app: a name or SDKAppID." placeholder:"APP"`
	Dir        string           `help:"Folder for --all. It is created if it does not exist." placeholder:"DIR"`
	OtherFiles bool             `help:"Write into --dir although it holds something else than statements."`
	Output     statement.Format `short:"o" enum:"text,csv,json,html" default:"text" help:"text and html for people, csv for spreadsheets, json for scripts. html prints on A4."`
}

// Help explains by examples.
func (ledgerStatementCommand) Help() string {
	return `The calls of one payer that ended in a month, with the steps that explain each amount, the corrections with their reason, and
the total of each currency. Corrections belong to the month of their call, whenever they were booked, as in report. The sum of
all statements of a month is that of the report of the month.

--all writes a file for each payer, which only its owner can read, named after the month and the account; what could be
unsafe in a name is an underscore and the hexadecimal digits of each byte. Repeating it replaces each file. In CSV the total is
the sum of the amounts, and no row of its own.

Examples:

  aftercall ledger statement --payer patient-1001 --month 2026-11 --zone Asia/Shanghai
  aftercall ledger statement --payer patient-1001 --month 2026-11 --output html > statement.html
  aftercall ledger statement --all --month 2026-11 --dir statements --output html`
}

// Run writes the statements.
func (c ledgerStatementCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	params := ops.StatementParams{Month: c.Month, Zone: c.Zone, App: c.App, Format: c.Output}
	switch {
	case c.All == (c.Payer != ""):
		return ops.Errorf(ops.Usage, "", "name one payer with --payer, or all with --all --dir DIR")
	case c.All != (c.Dir != ""):
		return ops.Errorf(ops.Usage, "", "--all and --dir belong together")
	case c.Payer != "":
		return d.WriteStatement(ctx, p.Stdout, c.Payer, params)
	}
	written, err := d.WriteStatements(ctx, c.Dir, c.OtherFiles, params)
	if written == nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "Statements in %s: %d.\n", printable(c.Dir), written.Statements)
	for _, t := range written.Totals {
		writeTotal(p.Stdout, t)
	}
	return err
}
