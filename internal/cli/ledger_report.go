package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
)

type ledgerReportCommand struct {
	ListFormat
	queryFlags
	By      []ledger.Dimension `help:"What to add up by, one or two of them: day, week or month (in which calls ended, in --zone), app, tariff, payer, result." enum:"day,week,month,app,tariff,payer,result" default:"day"`
	Sources bool               `help:"Add what share of the connected seconds two independent sources of events saw; see docs/evidence.md. It reads the events of every call."`
	Bars    string             `enum:"auto,always,never" default:"auto" help:"Draw bars beside the table: auto does on a terminal."`

	Close      string `help:"Record that this month of --zone was closed, as in 2026-10." placeholder:"MONTH" xor:"close"`
	Operator   string `help:"With --close, your name." placeholder:"NAME"`
	Notify     bool   `help:"With --close, send the checkpoint to the targets that subscribe to ledger.checkpoint." default:"true" negatable:""`
	AfterClose string `help:"List the entries for calls of this month that were booked after it was closed." placeholder:"MONTH" xor:"close"`
}

// Help explains by examples.
func (ledgerReportCommand) Help() string {
	return `Charges and their corrections, added up exactly. Amounts of different currencies are never added. A correction counts on
the day on which the call ended, not when it was booked. Weeks are those of ISO 8601, as in 2026-W09.

--sources says for how much of the connected time callbacks about members and webhooks of rooms, each without the other, show
two members in the call: of calls that ended within evidence.retention, of apps that receive both.

--close MONTH makes a checkpoint that says that the month was closed, once. It must be over by the clock of the ledger's database.
Entries for its calls are booked as ever; --after-close MONTH lists them, as ledger list does.

Examples:

  aftercall ledger report --from 2026-03-01 --to 2026-03-31 --zone Asia/Shanghai
  aftercall ledger report --by month,app
  aftercall ledger report --by day --sources
  aftercall ledger report --close 2026-10 --zone Asia/Shanghai --operator alice
  aftercall ledger report --after-close 2026-10 --output csv
  aftercall ledger report --by payer --app clinic --output csv > payers.csv`
}

// reportRow is a total with its bar.
type reportRow struct {
	ops.Total
	bar string
}

// Run prints the report, closes a month or lists what was booked after that.
func (c ledgerReportCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	switch {
	case c.Close != "":
		return c.closeMonth(ctx, p, d)
	case c.Operator != "":
		return ops.Errorf(ops.Usage, "", "--operator: needs --close")
	case c.AfterClose != "" && c.adds():
		return ops.Errorf(ops.Usage, "", "--by: adds up; --after-close lists entries")
	case c.AfterClose != "":
		entries, err := d.EntriesAfterClose(ctx, c.AfterClose, c.query())
		if err != nil {
			return err
		}
		return printEntries(p, c.ListFormat, entries)
	}
	totals, err := d.Report(ctx, c.query(), c.By)
	if err == nil && c.Sources {
		err = d.AddSources(ctx, c.query(), c.By, totals)
	}
	if err != nil {
		return err
	}
	return c.Print(
		p, totals,
		func(w io.Writer) error {
			return writeCSV(w, reportRows(totals), reportColumns(c.By, false, true, c.Sources))
		},
		func(s screen) {
			if len(totals) == 0 {
				fmt.Fprintln(s, "No entries.")
			}
			bars := c.Bars == "always" || c.Bars == "auto" && isTerminal(p.Stdout)
			for i, group := range byCurrency(totals) {
				if i > 0 {
					fmt.Fprintln(s)
				}
				sum := ops.AddTotals(group)
				sum.Groups = append([]string{"total"}, make([]string, len(c.By)-1)...)
				writeTable(s, append(reportRows(group), reportRow{Total: sum}), reportColumns(c.By, bars, sum.Adjustments > 0, c.Sources))
			}
		},
	)
}

// reportColumns has bars in the table if they are wanted, adjustments if there are any, and
// what two sources saw if that is asked for.
func reportColumns(by []ledger.Dimension, bars, adjusted, sources bool) []column[reportRow] {
	adjustments := func(r reportRow) string { return strconv.FormatInt(r.Adjustments, 10) }
	var columns []column[reportRow]
	for i, dimension := range by {
		columns = append(columns, column[reportRow]{key: string(dimension), value: func(r reportRow) string { return r.Groups[i] }, foreign: true})
	}
	columns = append(columns, []column[reportRow]{
		{key: "currency", value: func(r reportRow) string { return r.Currency }, csvOnly: true},
		{key: "amount", value: func(r reportRow) string { return r.Amount.Number() }, csvOnly: true},
		{key: "charges", value: func(r reportRow) string { return strconv.FormatInt(r.Charges, 10) }, right: true, drop: 2},
		{key: "reversals", value: func(r reportRow) string { return strconv.FormatInt(r.Reversals, 10) }, right: true, drop: 3},
	}...)
	if adjusted {
		columns = append(columns, column[reportRow]{title: "adjustments", value: adjustments, right: true, tableOnly: true, drop: 5})
	}
	columns = append(
		columns,
		column[reportRow]{key: "connected_seconds", value: func(r reportRow) string { return strconv.FormatInt(r.ConnectedSeconds, 10) }, csvOnly: true},
		column[reportRow]{key: "billed_seconds", value: func(r reportRow) string { return strconv.FormatInt(r.BilledSeconds, 10) }, csvOnly: true},
		column[reportRow]{title: "billed", value: func(r reportRow) string { return seconds(r.BilledSeconds) }, right: true, tableOnly: true, drop: 1},
		column[reportRow]{
			title: "amount", value: func(r reportRow) string { return r.Amount.Number() + " " + r.Currency }, right: true, tableOnly: true,
			paint: func(s screen, r reportRow, cell string) string { return paintAmount(s, r.Amount.Number(), cell) },
		},
		column[reportRow]{key: "adjustments", value: adjustments, csvOnly: true}, // after those that there were before
	)
	if sources {
		columns = append(
			columns,
			column[reportRow]{key: "compared_seconds", value: func(r reportRow) string { return strconv.FormatInt(r.Sources.ComparedSeconds, 10) }, csvOnly: true},
			column[reportRow]{key: "witnessed_seconds", value: func(r reportRow) string { return strconv.FormatInt(r.Sources.WitnessedSeconds, 10) }, csvOnly: true},
			column[reportRow]{title: "two sources", value: func(r reportRow) string { return r.Sources.Share() }, right: true, tableOnly: true},
		)
	}
	if bars {
		columns = append(columns, column[reportRow]{title: " ", value: func(r reportRow) string { return r.bar }, tableOnly: true, drop: 4})
	}
	return columns
}

func reportRows(totals []ops.Total) []reportRow {
	rows := make([]reportRow, len(totals))
	bars := amountBars(totals)
	for i, t := range totals {
		rows[i] = reportRow{t, bars[i]}
	}
	return rows
}

// byCurrency splits totals, which are sorted by currency, into those of each.
func byCurrency(totals []ops.Total) [][]ops.Total {
	var groups [][]ops.Total
	for i, t := range totals {
		if i == 0 || t.Currency != totals[i-1].Currency {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], t)
	}
	return groups
}

// adds reports whether --by was given, and not as its default.
func (c ledgerReportCommand) adds() bool {
	return !slices.Equal(c.By, []ledger.Dimension{ledger.ByDay})
}

// closeMonth closes a month, and prints what was recorded.
func (c ledgerReportCommand) closeMonth(ctx context.Context, p Process, d *ops.Deps) error {
	if c.queryFlags != (queryFlags{Zone: c.Zone}) || c.Output == "csv" || c.adds() || c.Sources {
		return ops.Errorf(ops.Usage, "", "--close: closes a month for all calls; besides it only --zone, --operator, --no-notify and --output table or json are possible")
	}
	closed, err := d.CloseMonth(ctx, c.Close, c.Zone, c.Operator, c.Notify)
	if closed == nil {
		return err
	}
	return errors.Join(err, Format{c.Output}.Print(p, closed, func(s screen) {
		if closed.Before {
			writeParagraph(s, "", closed.Month+" was closed before, which stays as it is:")
		}
		writeFields(
			s,
			[2]string{"Month", closed.Month + ", " + closed.Zone},
			[2]string{"Closed", fmt.Sprintf("%s, with %d entries in the log", dateTimeUTC(closed.Checkpoint.Time), closed.Checkpoint.Entries)},
			[2]string{"By", closed.Operator},
		)
		fmt.Fprint(s, "\n", closed.Checkpoint.Text)
	}))
}
