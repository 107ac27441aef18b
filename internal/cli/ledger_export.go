package cli

import (
	"context"
	"fmt"

	"aftercall/internal/ops"
)

type ledgerExportCommand struct {
	entryFlags
}

// Help explains by examples.
func (ledgerExportCommand) Help() string {
	return `CSV (RFC 4180) with a header, in the order in which entries were booked. The columns are described in docs/ledger.md; new
ones are only added at the end. Entries are written as they are read, however many there are. Text that a spreadsheet would
run as a formula gets an apostrophe before it.

Examples:

  aftercall ledger export --from 2026-03-01 --to 2026-03-31 --zone Asia/Tokyo > march.csv
  aftercall ledger export --live --app clinic > charges.csv`
}

// Run writes entries as CSV.
func (c ledgerExportCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	n, err := d.ExportEntries(ctx, p.Stdout, c.query())
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stderr, n, "entries")
	return nil
}
