package cli

import (
	"context"
	"fmt"

	"aftercall/internal/ops"
)

type ledgerMigrateCommand struct{}

// Help explains by examples.
func (ledgerMigrateCommand) Help() string {
	return `Creates the tables of the ledger, or brings them up to date, as every worker does when it starts. It is for a database in
which the worker's user has no right to do so: run this with the LEDGER_URL of the tables' owner before the workers of a new
release start. Repeating the command is safe.

Example:

  LEDGER_URL=postgres://aftercall_owner@db/aftercall aftercall ledger migrate`
}

// Run migrates.
func (ledgerMigrateCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	if err := d.MigrateLedger(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.Stdout, "The tables of the ledger are up to date.")
	return err
}
