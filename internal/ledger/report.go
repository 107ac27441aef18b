package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bojanz/currency"
)

// Dimension is what a report groups entries by.
type Dimension string

// The dimensions of a report. Day, ISO week and month are those on which a call
// ended, also for its corrections.
const (
	ByDay    Dimension = "day"
	ByWeek   Dimension = "week"
	ByMonth  Dimension = "month"
	ByApp    Dimension = "app"
	ByTariff Dimension = "tariff"
	ByPayer  Dimension = "payer"
	ByResult Dimension = "result"
)

// dimensionFields are the fields of an entry in these columns.
var dimensionFields = map[Dimension]func(e Entry) string{
	ByApp:    func(e Entry) string { return e.App },
	ByTariff: func(e Entry) string { return e.Charge.Tariff.Name },
	ByPayer:  func(e Entry) string { return text(e.Payer()) },
	ByResult: func(e Entry) string { return text(string(e.Record.Result)) },
}

// Groups names the group of a report in which an entry is, as Total.Groups does.
func Groups(e Entry, by []Dimension, zone *time.Location) []string {
	groups := make([]string, len(by))
	for i, dimension := range by {
		switch {
		case dimensionTimes[dimension] != nil:
			groups[i] = dimensionTimes[dimension](e.Record.EndedAt().In(zone))
		case dimensionFields[dimension] != nil:
			groups[i] = dimensionFields[dimension](e)
		}
	}
	return groups
}

// maxDimensions is how many dimensions a report can have.
const maxDimensions = 2

// dimensionColumns are the columns to group by.
var dimensionColumns = map[Dimension]string{ByApp: "e.app", ByTariff: "e.tariff", ByPayer: "e.payer", ByResult: "e.result"}

// dimensionTimes name the group of a dimension that is computed from end_time.
var dimensionTimes = map[Dimension]func(end time.Time) string{
	ByDay:   func(end time.Time) string { return end.Format(time.DateOnly) },
	ByMonth: func(end time.Time) string { return end.Format("2006-01") },
	ByWeek: func(end time.Time) string {
		year, week := end.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	},
}

// Report adds up the entries that the filter selects, separately for each group and
// currency, by up to two different dimensions. Days, weeks and months are those in
// zone. An unknown dimension is an error.
func (l *Ledger) Report(ctx context.Context, f Filter, by []Dimension, zone *time.Location) ([]Total, error) {
	columns, err := reportColumns(by)
	if err != nil {
		return nil, err
	}
	where, args := f.where()
	query := "SELECT e.kind, " + columns + ", e.end_time, e.connected_seconds, e.billed_seconds, e.amount, e.currency FROM ledger_entries e " + where
	sums := totals{}
	groups := make([]string, maxDimensions)
	err = each(ctx, l.read, query, args, func(scan func(...any) error) error {
		var (
			kind                   Kind
			number, code           string
			end, connected, billed int64
		)
		if err := scan((*string)(&kind), &groups[0], &groups[1], &end, &connected, &billed, &number, &code); err != nil {
			return err
		}
		for i, dimension := range by {
			if name := dimensionTimes[dimension]; name != nil {
				groups[i] = name(time.Unix(end, 0).In(zone))
			}
		}
		amount, err := currency.NewAmount(number, code)
		if err != nil {
			return err
		}
		return sums.add(groups[:len(by)], kind, connected, billed, amount)
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: report: %w", err)
	}
	return sums.sorted(), nil
}

// reportColumns are the columns of the groups. What is computed from end_time, or
// is not asked for, is an empty text.
func reportColumns(by []Dimension) (string, error) {
	columns := slices.Repeat([]string{"''"}, maxDimensions)
	if len(by) > maxDimensions {
		return "", fmt.Errorf("ledger: a report has at most %d dimensions", maxDimensions)
	}
	for i, dimension := range by {
		column, ok := dimensionColumns[dimension]
		switch {
		case slices.Contains(by[:i], dimension):
			return "", fmt.Errorf("ledger: a report cannot have %q twice", dimension)
		case ok:
			columns[i] = column
		case dimensionTimes[dimension] == nil:
			return "", fmt.Errorf("ledger: there is no report by %q", dimension)
		}
	}
	return strings.Join(columns, ", "), nil
}
