package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bojanz/currency"
)

// Dimension is what a report groups entries by.
type Dimension string

// The dimensions of a report.
const (
	ByDay    Dimension = "day"
	ByApp    Dimension = "app"
	ByTariff Dimension = "tariff"
	ByPayer  Dimension = "payer"
	ByResult Dimension = "result"
)

// dimensionColumns are the columns to group by. Days are computed from end_time.
var dimensionColumns = map[Dimension]string{
	ByDay: "''", ByApp: "e.app", ByTariff: "e.tariff", ByPayer: "e.payer", ByResult: "e.result",
}

// Total is the sum of entries of one group and one currency.
type Total struct {
	// Group is a day as in 2026-03-01, or the app, tariff, payer or result.
	Group    string `json:"group"`
	Currency string `json:"currency"`
	// Charges and Reversals count entries.
	Charges   int64 `json:"charges"`
	Reversals int64 `json:"reversals"`
	// ConnectedSeconds and BilledSeconds are those of the charges less those of the
	// reversals.
	ConnectedSeconds int64 `json:"connected_seconds"`
	BilledSeconds    int64 `json:"billed_seconds"`
	// Amount is the exact sum; reversals are negative.
	Amount currency.Amount `json:"-"`
}

// add adds one entry. Amounts are added as decimals in Go, on every engine, because
// SUM of SQLite is a floating point number.
func (t *Total) add(kind Kind, connected, billed int64, amount currency.Amount) (err error) {
	if kind == KindReversal {
		t.Reversals++
		connected, billed = -connected, -billed
	} else {
		t.Charges++
	}
	t.ConnectedSeconds += connected
	t.BilledSeconds += billed
	t.Amount, err = t.Amount.Add(amount)
	return err
}

// totals are sums by group and currency.
type totals map[[2]string]*Total

func (t totals) add(group string, kind Kind, connected, billed int64, amount currency.Amount) error {
	key := [2]string{group, amount.CurrencyCode()}
	total := t[key]
	if total == nil {
		zero, err := currency.NewAmount("0", amount.CurrencyCode())
		if err != nil {
			return err
		}
		total = &Total{Group: group, Currency: amount.CurrencyCode(), Amount: zero}
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
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Group, b.Group))
	})
	return all
}

// Report adds up the entries that the filter selects, separately for each group and
// currency. A day is the one in zone on which the call ended, also for corrections.
// An unknown dimension is an error.
func (l *Ledger) Report(ctx context.Context, f Filter, by Dimension, zone *time.Location) ([]Total, error) {
	group, ok := dimensionColumns[by]
	if !ok {
		return nil, fmt.Errorf("ledger: there is no report by %q", by)
	}
	where, args := f.where()
	query := "SELECT e.kind, " + group + ", e.end_time, e.connected_seconds, e.billed_seconds, e.amount, e.currency FROM ledger_entries e " + where
	sums := totals{}
	err := each(ctx, l.read, query, args, func(scan func(...any) error) error {
		var (
			kind                   Kind
			group, number, code    string
			end, connected, billed int64
		)
		if err := scan((*string)(&kind), &group, &end, &connected, &billed, &number, &code); err != nil {
			return err
		}
		if by == ByDay {
			group = time.Unix(end, 0).In(zone).Format(time.DateOnly)
		}
		amount, err := currency.NewAmount(number, code)
		if err != nil {
			return err
		}
		return sums.add(group, kind, connected, billed, amount)
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: report: %w", err)
	}
	return sums.sorted(), nil
}
