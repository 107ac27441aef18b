package ops

import (
	"context"
	"encoding/json"

	"github.com/bojanz/currency"

	"aftercall/internal/ledger"
)

// Total adds up entries of one currency, and of one group if the report has
// groups.
type Total struct {
	// By says what Group is: a day, app, tariff, payer or result. Empty means
	// all entries.
	By    ledger.Dimension
	Group string

	Currency  string
	Amount    currency.Amount
	Charges   int64
	Reversals int64
	// ConnectedSeconds and BilledSeconds are those of the charges without those
	// of the reversed ones.
	ConnectedSeconds int64
	BilledSeconds    int64
}

// MarshalJSON names the group by what it is, as the CSV does: for example
// {"payer": "10001", "currency": "USD", …}.
func (t Total) MarshalJSON() ([]byte, error) {
	values := map[string]any{
		"currency": t.Currency, "amount": t.Amount.Number(), "charges": t.Charges, "reversals": t.Reversals,
		"connected_seconds": t.ConnectedSeconds, "billed_seconds": t.BilledSeconds,
	}
	if t.By != "" {
		values[string(t.By)] = t.Group
	}
	return json.Marshal(values)
}

func newTotals(by ledger.Dimension, stored []ledger.Total) []Total {
	totals := make([]Total, len(stored))
	for i, t := range stored {
		totals[i] = Total{
			By: by, Group: t.Group, Currency: t.Currency, Amount: t.Amount, Charges: t.Charges, Reversals: t.Reversals,
			ConnectedSeconds: t.ConnectedSeconds, BilledSeconds: t.BilledSeconds,
		}
	}
	return totals
}

// Report adds up the entries that q selects, sorted by currency and group.
// Different currencies are never added. Days are those of q.Zone on which calls
// ended, for their corrections too.
func (d *Deps) Report(ctx context.Context, q EntryQuery, by ledger.Dimension) ([]Total, error) {
	f, zone, err := d.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	totals, err := l.Report(ctx, f, by, zone)
	return newTotals(by, totals), err
}

// AddTotals adds up the totals of one currency.
func AddTotals(totals []Total) Total {
	var sum Total
	for _, t := range totals {
		sum.Currency = t.Currency
		sum.Charges += t.Charges
		sum.Reversals += t.Reversals
		sum.ConnectedSeconds += t.ConnectedSeconds
		sum.BilledSeconds += t.BilledSeconds
		sum.Amount = add(sum.Amount, t.Amount)
	}
	return sum
}

// add adds amounts of one currency; the zero Amount is 0.
func add(a, b currency.Amount) currency.Amount {
	sum, err := a.Add(b)
	if err != nil {
		return b // of another currency, which does not happen: amounts are grouped by it
	}
	return sum
}
