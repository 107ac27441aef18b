package ops

import (
	"context"

	"aftercall/internal/ledger"
)

// Costs are what a call costs now: the sum of all its entries.
type Costs struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// String is the sum for people.
func (c Costs) String() string { return c.Amount + " " + c.Currency }

// costsOf adds up all entries of a call, of which there must be one.
func costsOf(entries []ledger.Entry) (Costs, error) {
	sum, err := ledger.BalanceOf(entries).Sum()
	return Costs{Amount: sum.Number(), Currency: sum.CurrencyCode()}, err
}

// costsNow reads the entries of the call of an entry.
func costsNow(ctx context.Context, l *ledger.Ledger, of ledger.Entry) (Costs, error) {
	entries, err := l.Get(ctx, of.SDKAppID, of.CallID())
	if err != nil {
		return Costs{}, err
	}
	return costsOf(entries)
}
