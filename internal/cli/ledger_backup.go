package cli

import (
	"context"
	"fmt"

	"aftercall/internal/ops"
)

type ledgerBackupCommand struct {
	File string `arg:"" name:"FILE" help:"The copy, which must not exist."`
}

// Help explains by examples.
func (ledgerBackupCommand) Help() string {
	return `Writes a copy of the ledger as it is at one moment into a new file. Workers may run meanwhile. The copy is a complete ledger:
aftercall ledger verify reads it with LEDGER_URL=sqlite:FILE. Copying the file of a running ledger with cp would leave out what
is still in its write-ahead log. A ledger in PostgreSQL is copied by pg_dump.

Example:

  aftercall ledger backup /backup/ledger-2026-03-01.db`
}

// Run writes the copy.
func (c ledgerBackupCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	if err := d.BackUp(ctx, c.File); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.Stdout, "Wrote %s.\n", printable(c.File))
	return err
}
