package cli

import (
	"context"
	"fmt"

	"aftercall/internal/ops"
)

type ledgerExportCommand struct {
	entryFlags
	After *uint64 `help:"Only entries after this cursor, in the order of the log; 0 begins. The next cursor is printed to stderr." placeholder:"CURSOR"`
	Until *uint64 `help:"With --after, only entries until this cursor." placeholder:"CURSOR"`
}

// Help explains by examples.
func (ledgerExportCommand) Help() string {
	return `CSV (RFC 4180) with a header, in the order in which entries were booked. The columns are described in docs/ledger.md; new
ones are only added at the end. Entries are written as they are read, however many there are. Text that a spreadsheet would
run as a formula gets an apostrophe before it.

For a regular export use --after: it prints "next cursor: N" to stderr, and from one cursor to the next no entry is left out
or written twice. Only entries in the log are exported so; the worker adds new ones every few seconds. The same --after and
--until give the same bytes at any time.

Examples:

  aftercall ledger export --from 2026-03-01 --to 2026-03-31 --zone Asia/Tokyo > march.csv
  aftercall ledger export --live --app clinic > charges.csv
  aftercall ledger export --after 1200 > new.csv`
}

// Run writes entries as CSV.
func (c ledgerExportCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	done, err := d.ExportEntries(ctx, p.Stdout, ops.ExportParams{Query: c.query(), After: c.After, Until: c.Until})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stderr, done.Entries, "entries")
	if done.Next != nil {
		fmt.Fprintf(p.Stderr, "next cursor: %d\n", *done.Next)
	}
	if done.Waiting > 0 {
		fmt.Fprintf(p.Stderr, "note: entries that are not in the log yet: %d; they come after this cursor\n", done.Waiting)
	}
	return nil
}
