package ledger

import (
	"fmt"
	"slices"

	"github.com/bojanz/currency"

	"aftercall/internal/billing"
)

// Balance is what the entries of a call come to.
type Balance struct {
	// Charge is the charge in effect, the one that was not reversed. Charged is
	// false if there is none.
	Charge  Entry
	Charged bool
	// Adjustments are those that were not reversed, as they were booked.
	Adjustments []Entry
	// Next is the number of the next adjustment.
	Next int
	zero currency.Amount
}

// BalanceOf reads all entries of a call.
func BalanceOf(entries []Entry) Balance {
	b := Balance{Next: 1}
	for _, e := range entries {
		b.zero, _ = e.Charge.Amount.Sub(e.Charge.Amount) // with its currency and digits
		if e.Kind == KindAdjustment {
			b.Next = max(b.Next, e.Revision+1)
		}
		if e.Kind == KindReversal || slices.ContainsFunc(entries, func(r Entry) bool { return r.Reverses == e.Key }) {
			continue
		}
		if e.Kind == KindAdjustment {
			b.Adjustments = append(b.Adjustments, e)
		} else {
			b.Charge, b.Charged = e, true
		}
	}
	return b
}

// Sum is what the call costs; without entries it is the zero Amount.
func (b Balance) Sum() (sum currency.Amount, err error) {
	sum = b.zero
	if b.Charged {
		sum = b.Charge.Charge.Amount
	}
	for _, a := range b.Adjustments {
		if sum, err = sum.Add(a.Charge.Amount); err != nil {
			return sum, fmt.Errorf("ledger: add %s: %w", a.Key, err)
		}
	}
	return sum, nil
}

// CheckCharge reports why another charge cannot replace the one in effect: with the
// adjustments, the call would cost less than nothing (*BelowZeroError), or they are in
// another currency (*AdjustmentError).
func (b Balance) CheckCharge(charge billing.Charge) error {
	if len(b.Adjustments) == 0 {
		return nil
	}
	if now, then := b.Charge.Charge.Amount.CurrencyCode(), charge.Amount.CurrencyCode(); now != then {
		return &AdjustmentError{fmt.Sprintf("the call has adjustments in %s, and would be charged in %s: reverse them first", now, then)}
	}
	before, err := b.Sum()
	if err != nil {
		return err
	}
	b.Charge.Charge.Amount = charge.Amount
	after, err := b.Sum()
	if err != nil {
		return err
	}
	return checkSum(before, after)
}

// Live finds the charge in effect among all entries of a call: the one that was not
// reversed. There is at most one.
func Live(entries []Entry) (Entry, bool) {
	b := BalanceOf(entries)
	return b.Charge, b.Charged
}

// Latest is the last entry of a call that charges it or reverses a charge: adjustments
// leave the charge as it is. There must be entries.
func Latest(entries []Entry) Entry {
	for _, e := range slices.Backward(entries) {
		if !e.Adjusts() {
			return e
		}
	}
	return entries[len(entries)-1]
}

// BelowZeroError is returned for a correction that would bring what a call costs
// below zero without being forced to. Nothing was booked.
type BelowZeroError struct{ Before, After currency.Amount }

// Error names both sums.
func (e *BelowZeroError) Error() string {
	return fmt.Sprintf("the call costs %s, and would cost %s: it must not cost less than nothing", e.Before, e.After)
}

// checkSum returns a *BelowZeroError if a change of the sum needs to be forced.
func checkSum(before, after currency.Amount) error {
	if lower, err := after.Cmp(before); err != nil {
		return fmt.Errorf("ledger: %w", err)
	} else if after.IsNegative() && lower < 0 {
		return &BelowZeroError{before, after}
	}
	return nil
}
