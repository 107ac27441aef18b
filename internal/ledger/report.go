package ledger

import (
	"cmp"
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

// Total is the sum of entries of one group and one currency.
type Total struct {
	// Groups has a value for each dimension: a day as in 2026-03-01, a week as in
	// 2026-W09, a month as in 2026-03, or the app, tariff, payer or result.
	Groups   []string `json:"groups"`
	Currency string   `json:"currency"`
	// Charges, Adjustments and Reversals count entries. Reversals are of charges and
	// of adjustments.
	Charges     int64 `json:"charges"`
	Adjustments int64 `json:"adjustments"`
	Reversals   int64 `json:"reversals"`
	// ConnectedSeconds and BilledSeconds are those of the charges less those of the
	// reversals. Adjustments have none.
	ConnectedSeconds int64 `json:"connected_seconds"`
	BilledSeconds    int64 `json:"billed_seconds"`
	// Amount is the exact sum of all entries.
	Amount currency.Amount `json:"-"`
}

// add adds one entry. Amounts are added as decimals in Go, on every engine, because
// SUM of SQLite is a floating point number.
func (t *Total) add(kind Kind, connected, billed int64, amount currency.Amount) (err error) {
	switch kind {
	case KindReversal:
		t.Reversals++
		connected, billed = -connected, -billed
	case KindAdjustment:
		t.Adjustments++
	default:
		t.Charges++
	}
	t.ConnectedSeconds += connected
	t.BilledSeconds += billed
	t.Amount, err = t.Amount.Add(amount)
	return err
}

// totalKey identifies a Total.
type totalKey struct {
	currency string
	groups   [maxDimensions]string
}

// totals are sums by group and currency.
type totals map[totalKey]*Total

func (t totals) add(groups []string, kind Kind, connected, billed int64, amount currency.Amount) error {
	key := totalKey{currency: amount.CurrencyCode()}
	copy(key.groups[:], groups)
	total := t[key]
	if total == nil {
		zero, err := currency.NewAmount("0", key.currency)
		if err != nil {
			return err
		}
		total = &Total{Groups: slices.Clone(groups), Currency: key.currency, Amount: zero}
		t[key] = total
	}
	return total.add(kind, connected, billed, amount)
}

// sorted returns the totals ordered by currency, then by group.
func (t totals) sorted() []Total {
	all := make([]Total, 0, len(t))
	for _, total := range t {
		all = append(all, *total)
	}
	slices.SortFunc(all, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), slices.Compare(a.Groups, b.Groups))
	})
	return all
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
