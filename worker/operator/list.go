package operator

import (
	"context"
	"fmt"
	"io"
	"strconv"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
)

// choice are the flags of list and export.
type choice struct {
	selection
	Kind     ledger.Kind `help:"charge or reversal." enum:"charge,reversal," default:"" placeholder:"KIND"`
	Operator string      `help:"Who booked it: of corrections and decided reviews." placeholder:"NAME"`
	Live     bool        `help:"Only charges that stand: no reversals, and no charges that were reversed."`
}

func (c choice) filter() (ledger.Filter, error) {
	f, _, err := c.selection.filter()
	f.Kind, f.Operator, f.Live = c.Kind, c.Operator, c.Live
	return f, err
}

type listCommand struct {
	cli.Output
	choice
	Limit int `help:"Print so many entries at most." default:"200"`
}

// Help explains by examples.
func (listCommand) Help() string {
	return `Entries in the order in which they were booked. Use export for all of a large ledger.

Examples:

  worker ledger list --from 2026-03-01 --to 2026-03-31 --zone Asia/Shanghai --app clinic
  worker ledger list --kind reversal --operator alice
  worker ledger list --live --payer patient-1001 --output json`
}

// Run prints entries.
func (c listCommand) Run(ctx context.Context, p cli.Process) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	if c.Limit < 1 {
		return cli.Errorf(cli.Usage, "", "--limit: must be 1 or more")
	}
	book, err := openLedger(ctx, p)
	if err != nil {
		return err
	}
	defer book.Close()
	entries, more := []ledger.Entry{}, false
	for e, err := range book.List(ctx, f) {
		if err != nil {
			return err
		}
		if more = len(entries) == c.Limit; more {
			break
		}
		entries = append(entries, e)
	}
	if err := c.Print(p.Stdout, entries, func(w io.Writer) { listTable(w, entries) }); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(p.Stderr, "There are more: these are the first %d. Raise --limit, or use worker ledger export.\n", c.Limit)
	}
	return nil
}

func listTable(w io.Writer, entries []ledger.Entry) {
	if len(entries) == 0 {
		fmt.Fprintln(w, "No entries.")
		return
	}
	rows := make([][]string, len(entries))
	amounts := make([]string, len(entries))
	for i, e := range entries {
		amounts[i] = e.Charge.Amount.Number()
	}
	alignRight(amounts)
	for i, e := range entries {
		rows[i] = []string{
			e.CreatedAt.Format("2006-01-02 15:04:05"), string(e.Kind), strconv.Itoa(e.Revision), printable(e.App), printable(e.CallID()),
			printable(e.Payer()), printable(string(e.Record.Result)), instant(e.Record.EndTime),
			strconv.FormatInt(e.Charge.ConnectedSeconds, 10) + " s", strconv.FormatInt(e.Charge.BilledSeconds, 10) + " s",
			amounts[i], e.Charge.Amount.CurrencyCode(), printable(e.Operator),
		}
	}
	cli.Table(w, []string{"booked (UTC)", "kind", "rev", "app", "call", "payer", "result", "ended", "connected", "billed", "amount", "", "by"}, rows...)
}

// alignRight brings numbers to one width.
func alignRight(numbers []string) {
	width := 0
	for _, n := range numbers {
		width = max(width, len(n))
	}
	for i, n := range numbers {
		numbers[i] = fmt.Sprintf("%*s", width, n)
	}
}

type exportCommand struct {
	choice
}

// Help explains by examples.
func (exportCommand) Help() string {
	return `CSV (RFC 4180) with a header, in the order in which entries were booked. The columns are those of docs/ledger.md; later
releases only add some at the end. Entries are written as they are read, however many there are. Text that a
spreadsheet would run as a formula has an apostrophe before it.

Examples:

  worker ledger export --from 2026-03-01 --to 2026-03-31 --zone Asia/Tokyo > march.csv
  worker ledger export --live --app clinic > standing.csv`
}

// Run writes entries as CSV.
func (c exportCommand) Run(ctx context.Context, p cli.Process) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	book, err := openLedger(ctx, p)
	if err != nil {
		return err
	}
	defer book.Close()
	n, err := ledger.Export(p.Stdout, book.List(ctx, f))
	if err != nil {
		return fmt.Errorf("the export is not whole, do not use it: %w", err)
	}
	fmt.Fprintln(p.Stderr, n, "entries")
	return nil
}
