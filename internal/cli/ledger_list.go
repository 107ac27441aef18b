package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aftercall/internal/ops"
)

type ledgerListCommand struct {
	ListFormat
	entryFlags
	Limit int `help:"Print no more than N entries." default:"200" placeholder:"N"`
}

// Help explains by examples.
func (ledgerListCommand) Help() string {
	return `Entries in the order in which they were booked. The columns of csv and the names in json are those of
aftercall ledger export, which writes all entries of a large ledger. They name all members of a call; the table names the
first, where there is room for them.

Examples:

  aftercall ledger list --from 2026-03-01 --to 2026-03-31 --zone Asia/Shanghai --app clinic
  aftercall ledger list --kind reversal --operator alice
  aftercall ledger list --live --payer patient-1001 --output json`
}

// Run prints entries.
func (c ledgerListCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	entries, more, err := d.ListEntries(ctx, c.query(), c.Limit)
	if err != nil {
		return err
	}
	err = printEntries(p, c.ListFormat, entries)
	if err == nil && more {
		fmt.Fprintf(p.Stderr, "note: these are the first %d entries, there are more: raise --limit, or use aftercall ledger export\n", c.Limit)
	}
	return err
}

// printEntries prints entries, in CSV with the columns of the export.
func printEntries(p Process, f ListFormat, entries []ops.LedgerEntry) error {
	return f.Print(
		p, entries,
		func(w io.Writer) error { return ops.WriteEntriesCSV(w, entries) },
		func(s screen) {
			if len(entries) == 0 {
				fmt.Fprintln(s, "No entries.")
				return
			}
			writeTable(s, entries, entryColumns)
		},
	)
}

// entryColumns are those of the table; the CSV has those of the export.
var entryColumns = []column[ops.LedgerEntry]{
	{title: "booked (UTC)", value: func(e ops.LedgerEntry) string { return dateTime(e.BookedAt) }, drop: 1},
	{title: "kind", value: func(e ops.LedgerEntry) string { return string(e.Kind) }},
	{title: "revision", value: func(e ops.LedgerEntry) string { return strconv.Itoa(e.Revision) }, right: true, drop: 9},
	{title: "app", value: func(e ops.LedgerEntry) string { return e.App }, drop: 4},
	{title: "call id", value: func(e ops.LedgerEntry) string { return e.CallID }},
	{title: "payer", value: func(e ops.LedgerEntry) string { return e.Payer }, drop: 2},
	{title: "result", value: func(e ops.LedgerEntry) string { return string(e.Result) }, drop: 7},
	{title: "ended (UTC)", value: func(e ops.LedgerEntry) string {
		if e.EndTime == nil {
			return "never"
		}
		return dateTime(*e.EndTime)
	}, drop: 6},
	{title: "connected", value: func(e ops.LedgerEntry) string { return seconds(e.ConnectedSeconds) }, right: true, drop: 8},
	{title: "billed", value: func(e ops.LedgerEntry) string { return seconds(e.BilledSeconds) }, right: true, drop: 5},
	{title: "amount", value: func(e ops.LedgerEntry) string { return e.Amount + " " + e.Currency }, right: true, paint: func(s screen, e ops.LedgerEntry, cell string) string {
		return paintAmount(s, e.Amount, cell)
	}},
	{title: "operator", value: func(e ops.LedgerEntry) string { return e.Operator }, drop: 3},
	{title: "members", value: func(e ops.LedgerEntry) string { return memberWords(e.Members) }, drop: 10},
}

// seconds is a duration.
func seconds(n int64) string { return strconv.FormatInt(n, 10) + " s" }

// paintAmount makes negative amounts red.
func paintAmount(s screen, amount, cell string) string {
	if strings.HasPrefix(amount, "-") {
		return s.red(cell)
	}
	return cell
}

// membersInTable is how many members the table names of a call.
const membersInTable = 5

// memberWords are the first members of a call, for people, and the number of the rest.
func memberWords(members []string) string {
	words := strings.Join(members[:min(len(members), membersInTable)], ", ")
	if more := len(members) - membersInTable; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}
