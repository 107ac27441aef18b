package operator

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
	"github.com/mattn/go-isatty"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
)

type reportCommand struct {
	selection
	By     ledger.Dimension `help:"What to add up by: day (on which calls ended, in --zone), app, tariff, payer or result." enum:"day,app,tariff,payer,result" default:"day"`
	Output string           `short:"o" enum:"table,csv,json" default:"table" help:"table for people, csv for spreadsheets, json for scripts."`
	Bars   string           `enum:"auto,always,never" default:"auto" help:"Draw bars beside the table: auto does on a terminal."`
}

// Help explains by examples.
func (reportCommand) Help() string {
	return `Charges and their corrections, added up exactly. Sums of different currencies are never added. A correction counts on the
day on which the call ended, not when it was booked: a report of a month does not change its calls, only their sums.

Examples:

  worker ledger report --from 2026-03-01 --to 2026-03-31 --zone Asia/Shanghai
  worker ledger report --by payer --app clinic --output csv > payers.csv`
}

// Run prints the report.
func (c reportCommand) Run(ctx context.Context, p cli.Process) error {
	f, zone, err := c.filter()
	if err != nil {
		return err
	}
	book, err := openLedger(ctx, p)
	if err != nil {
		return err
	}
	defer book.Close()
	totals, err := book.Report(ctx, f, c.By, zone)
	if err != nil {
		return err
	}
	switch c.Output {
	case "csv":
		return reportCSV(p.Stdout, c.By, totals)
	case "json":
		return reportJSON(p.Stdout, totals)
	}
	return c.table(p.Stdout, totals)
}

func (c reportCommand) table(out io.Writer, totals []ledger.Total) error {
	var b strings.Builder
	if len(totals) == 0 {
		fmt.Fprintln(&b, "No entries.")
	}
	bars := c.Bars == "always" || c.Bars == "auto" && terminal(out)
	for i, group := range byCurrency(totals) {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		currencyTable(&b, c.By, group, bars)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

// terminal reports whether a person reads what is written.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// byCurrency cuts totals, which are sorted so, into those of each currency.
func byCurrency(totals []ledger.Total) [][]ledger.Total {
	var groups [][]ledger.Total
	for i, t := range totals {
		if i == 0 || t.Currency != totals[i-1].Currency {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], t)
	}
	return groups
}

// currencyTable is the table of one currency, with its sum below.
func currencyTable(w io.Writer, by ledger.Dimension, totals []ledger.Total, bars bool) {
	sum := ledger.Total{Group: "total", Currency: totals[0].Currency}
	for _, t := range totals {
		sum.Charges += t.Charges
		sum.Reversals += t.Reversals
		sum.BilledSeconds += t.BilledSeconds
		sum.Amount = plus(sum.Amount, t.Amount)
	}
	all := append(totals[:len(totals):len(totals)], sum)
	amounts := make([]string, len(all))
	for i, t := range all {
		amounts[i] = t.Amount.Number()
	}
	alignRight(amounts)
	rows := make([][]string, len(all))
	for i, t := range all {
		rows[i] = []string{
			printable(t.Group), strconv.FormatInt(t.Charges, 10), strconv.FormatInt(t.Reversals, 10),
			strconv.FormatInt(t.BilledSeconds, 10) + " s", amounts[i] + " " + t.Currency,
		}
	}
	header := []string{string(by), "charges", "reversals", "billed", "amount"}
	if bars {
		header = append(header, "")
		for i, bar := range barsOf(totals) {
			rows[i] = append(rows[i], bar)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], "")
	}
	cli.Table(w, header, rows...)
}

// plus adds amounts of one currency; the zero Amount is 0.
func plus(a, b currency.Amount) currency.Amount {
	sum, err := a.Add(b)
	if err != nil {
		return b // not of one currency, which cannot be: totals are grouped by it
	}
	return sum
}

// barWidth is how many characters the largest amount takes.
const barWidth = 40

// barsOf draws amounts to scale; negative ones are hollow.
func barsOf(totals []ledger.Total) []string {
	units := make([]*big.Rat, len(totals))
	largest := new(big.Rat)
	for i, t := range totals {
		units[i], _ = new(big.Rat).SetString(t.Amount.Number())
		if size := new(big.Rat).Abs(units[i]); size.Cmp(largest) > 0 {
			largest = size
		}
	}
	bars := make([]string, len(totals))
	for i, u := range units {
		if u.Sign() == 0 {
			continue
		}
		// Half a character counts as one, so that what is not nothing shows.
		scaled := new(big.Rat).Quo(new(big.Rat).Mul(new(big.Rat).Abs(u), big.NewRat(barWidth, 1)), largest)
		length, err := strconv.Atoi(scaled.FloatString(0))
		if err != nil {
			continue // it is at most barWidth
		}
		block := "█"
		if u.Sign() < 0 {
			block = "░"
		}
		bars[i] = strings.Repeat(block, max(1, length))
	}
	return bars
}

func reportCSV(w io.Writer, by ledger.Dimension, totals []ledger.Total) error {
	out := csv.NewWriter(w)
	rows := [][]string{{string(by), "currency", "amount", "charges", "reversals", "connected_seconds", "billed_seconds"}}
	for _, t := range totals {
		rows = append(rows, []string{
			ledger.Cell(t.Group), t.Currency, t.Amount.Number(), strconv.FormatInt(t.Charges, 10), strconv.FormatInt(t.Reversals, 10),
			strconv.FormatInt(t.ConnectedSeconds, 10), strconv.FormatInt(t.BilledSeconds, 10),
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

// total is a ledger.Total as scripts read it: the amount is exact decimal text.
type total struct {
	ledger.Total
	Amount string `json:"amount"`
}

func jsonTotals(totals []ledger.Total) []total {
	all := make([]total, len(totals))
	for i, t := range totals {
		all[i] = total{Total: t, Amount: t.Amount.Number()}
	}
	return all
}

func reportJSON(w io.Writer, totals []ledger.Total) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(jsonTotals(totals)); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}
