package ledger

import (
	"cmp"
	"slices"

	"github.com/bojanz/currency"
)

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
	total, err := t.of(groups, amount.CurrencyCode())
	if err != nil {
		return err
	}
	return total.add(kind, connected, billed, amount)
}

// of is the Total of a group and a currency, 0 at first.
func (t totals) of(groups []string, code string) (*Total, error) {
	key := totalKey{currency: code}
	copy(key.groups[:], groups)
	if total := t[key]; total != nil {
		return total, nil
	}
	zero, err := currency.NewAmount("0", code)
	if err != nil {
		return nil, err
	}
	t[key] = &Total{Groups: slices.Clone(groups), Currency: code, Amount: zero}
	return t[key], nil
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

// Sums add up entries by currency. The zero value is empty.
type Sums struct{ totals totals }

// Add adds an entry.
func (s *Sums) Add(e Entry) error {
	if s.totals == nil {
		s.totals = totals{}
	}
	return s.totals.add(nil, e.Kind, e.Charge.ConnectedSeconds, e.Charge.BilledSeconds, e.Charge.Amount)
}

// Totals are the sums, ordered by currency.
func (s *Sums) Totals() []Total { return s.totals.sorted() }

// AddTotals adds sums of other entries.
func (s *Sums) AddTotals(others []Total) error {
	if s.totals == nil {
		s.totals = totals{}
	}
	for _, other := range others {
		total, err := s.totals.of(nil, other.Currency)
		if err != nil {
			return err
		}
		if total.Amount, err = total.Amount.Add(other.Amount); err != nil {
			return err
		}
		total.Charges += other.Charges
		total.Adjustments += other.Adjustments
		total.Reversals += other.Reversals
		total.ConnectedSeconds += other.ConnectedSeconds
		total.BilledSeconds += other.BilledSeconds
	}
	return nil
}
