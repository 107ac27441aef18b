package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bojanz/currency"

	"aftercall/internal/ledger"
)

// Total adds up entries of one currency, and of one group if the report has
// groups.
type Total struct {
	// By says what Groups are: a day, app and so on. Empty means all entries.
	By     []ledger.Dimension
	Groups []string

	Currency string
	Amount   currency.Amount
	Charges  int64
	// Adjustments are credits and surcharges.
	Adjustments int64
	// Reversals are of charges and of adjustments.
	Reversals int64
	// ConnectedSeconds and BilledSeconds are those of the charges without those
	// of the reversed ones.
	ConnectedSeconds int64
	BilledSeconds    int64
	// Sources are set by AddSources; nil otherwise.
	Sources *Sources
}

// MarshalJSON names each group by what it is, as the CSV does: for example
// {"payer": "10001", "currency": "USD", …}.
func (t Total) MarshalJSON() ([]byte, error) {
	values := map[string]any{
		"currency": t.Currency, "amount": t.Amount.Number(), "charges": t.Charges, "adjustments": t.Adjustments, "reversals": t.Reversals,
		"connected_seconds": t.ConnectedSeconds, "billed_seconds": t.BilledSeconds,
	}
	for i, by := range t.By {
		values[string(by)] = t.Groups[i]
	}
	if t.Sources != nil {
		values["compared_seconds"], values["witnessed_seconds"] = t.Sources.ComparedSeconds, t.Sources.WitnessedSeconds
	}
	return json.Marshal(values)
}

func newTotals(by []ledger.Dimension, stored []ledger.Total) []Total {
	totals := make([]Total, len(stored))
	for i, t := range stored {
		totals[i] = Total{
			By: by, Groups: t.Groups, Currency: t.Currency, Amount: t.Amount, Charges: t.Charges, Adjustments: t.Adjustments, Reversals: t.Reversals,
			ConnectedSeconds: t.ConnectedSeconds, BilledSeconds: t.BilledSeconds,
		}
	}
	return totals
}

// Report adds up the entries that q selects by one or two dimensions, sorted by
// currency and group. Different currencies are never added. Days, weeks and months
// are those of q.Zone in which calls ended, for their corrections too.
func (d *Deps) Report(ctx context.Context, q EntryQuery, by []ledger.Dimension) ([]Total, error) {
	if len(by) < 1 || len(by) > 2 || len(by) == 2 && by[0] == by[1] {
		return nil, Errorf(Usage, "name one or two different ones, as in --by day,app", "--by: %q is not possible", strings.Join(words(by), ","))
	}
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

// AddSources says for each total of a Report, with the same parameters, how much of its
// connected time two sources saw. It reads the events of every call.
func (d *Deps) AddSources(ctx context.Context, q EntryQuery, by []ledger.Dimension, totals []Total) error {
	f, zone, err := d.filter(ctx, q)
	if err != nil {
		return err
	}
	of := map[string]*Sources{}
	key := func(code string, groups []string) string { return fmt.Sprintf("%s %q", code, groups) }
	for i, t := range totals {
		totals[i].Sources = &Sources{}
		of[key(t.Currency, t.Groups)] = totals[i].Sources
	}
	return d.witness(ctx, f, func(e ledger.Entry, s Sources) {
		if sum := of[key(e.Charge.Amount.CurrencyCode(), ledger.Groups(e, by, zone))]; sum != nil { // nil for one that was booked since
			sum.add(s)
		}
	})
}

// AddTotals adds up the totals of one currency.
func AddTotals(totals []Total) Total {
	var sum Total
	for _, t := range totals {
		sum.Currency = t.Currency
		sum.Charges += t.Charges
		sum.Adjustments += t.Adjustments
		sum.Reversals += t.Reversals
		sum.ConnectedSeconds += t.ConnectedSeconds
		sum.BilledSeconds += t.BilledSeconds
		sum.Amount = add(sum.Amount, t.Amount)
		if t.Sources != nil {
			if sum.Sources == nil {
				sum.Sources = &Sources{}
			}
			sum.Sources.add(*t.Sources)
		}
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
