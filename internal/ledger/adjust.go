package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bojanz/currency"

	"aftercall/internal/tencent"
)

// Adjustment is a credit, if its amount is negative, or a surcharge.
type Adjustment struct {
	// Amount is in the currency and with no more digits than the charge has.
	Amount currency.Amount
	// Number is which adjustment of the call it is, from 1: the one after the last,
	// as the operator knows the call. It makes that a repetition books nothing, and
	// that of two operators one finds out about the other.
	Number int
	Correction
}

// ErrNotCharged is returned for an adjustment of a call whose charge was reversed.
var ErrNotCharged = errors.New("the charge of the call was reversed, so there is nothing to adjust")

// AdjustmentError is returned for an amount that does not fit the call. Nothing was
// booked.
type AdjustmentError struct{ Problem string }

// Error is the problem.
func (e *AdjustmentError) Error() string { return e.Problem }

// NumberError is returned for an adjustment whose number is not the next one. Nothing
// was booked.
type NumberError struct {
	Number, Next int
	// Taken is the adjustment that has the number; empty if there is none.
	Taken Entry
}

// Error names the adjustment that has the number.
func (e *NumberError) Error() string {
	if e.Taken.Key != "" {
		return fmt.Sprintf("the adjustment %d of the call is another one, of %s by %s (%s)", e.Number, e.Taken.Charge.Amount, e.Taken.Operator, e.Taken.Reason)
	}
	return fmt.Sprintf("the next adjustment of the call has the number %d, not %d", e.Next, e.Number)
}

// Adjust books an adjustment of a call, once: inserted is false if the adjustment with
// its number has the same amount, operator and reason, and stored is that one. Another
// one with the number is a *NumberError, an amount that does not fit the call an
// *AdjustmentError, and a sum below zero a *BelowZeroError, unless it is forced. A call
// without entries is ErrNoCharge, and one whose charge was reversed ErrNotCharged.
func (l *Ledger) Adjust(ctx context.Context, app tencent.SDKAppID, callID string, a Adjustment) (stored Entry, inserted bool, err error) {
	if err := a.Validate(); err != nil {
		return Entry{}, false, err
	}
	of := Entry{SDKAppID: app, Record: tencent.CallRecord{CallID: callID}}
	err = l.correct(ctx, of, a.Correction, func(c *correcting) error {
		if earlier, ok := c.byKey(Key(KindAdjustment, a.Number, app, callID)); ok {
			stored = earlier
			if !a.Same(earlier) {
				return &NumberError{Number: a.Number, Taken: earlier}
			}
			return nil
		}
		if err := a.Check(c.entries); err != nil {
			return err
		}
		inserted = true
		stored, err = c.adjust(ctx, a.Amount, a.Force)
		return err
	})
	if err != nil {
		return Entry{}, false, err
	}
	return stored, inserted, nil
}

// Same reports whether the entry is this adjustment, whatever its number is.
func (a Adjustment) Same(e Entry) bool {
	return e.Charge.Amount.Equal(a.Amount) && e.Operator == text(a.Operator) && e.Reason == text(a.Reason)
}

// Check reports why the adjustment cannot be booked for the call with the entries: the
// errors are those of Adjust.
func (a Adjustment) Check(entries []Entry) error {
	b := BalanceOf(entries)
	switch {
	case len(entries) == 0:
		return ErrNoCharge
	case !b.Charged:
		return ErrNotCharged
	case a.Number != b.Next:
		return &NumberError{Number: a.Number, Next: b.Next}
	case a.Amount.IsZero():
		return &AdjustmentError{"an adjustment of 0 changes nothing"}
	}
	charged := b.Charge.Charge.Amount
	if a.Amount.CurrencyCode() != charged.CurrencyCode() {
		return &AdjustmentError{"the call is charged in " + charged.CurrencyCode() + ", not in " + a.Amount.CurrencyCode()}
	}
	if allowed := digits(charged); digits(a.Amount) > allowed {
		return &AdjustmentError{fmt.Sprintf("the call is charged %s, with %d digits after the point, and %s has %d", charged, allowed, a.Amount.Number(), digits(a.Amount))}
	}
	before, err := b.Sum()
	if err != nil {
		return err
	}
	after, err := before.Add(a.Amount)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if a.Force {
		return nil
	}
	return checkSum(before, after)
}

// digits counts the digits of an amount after the point.
func digits(a currency.Amount) int {
	_, fraction, _ := strings.Cut(a.Number(), ".")
	return len(fraction)
}

// adjust books the next adjustment of the call.
func (c *correcting) adjust(ctx context.Context, amount currency.Amount, force bool) (Entry, error) {
	b := BalanceOf(c.entries)
	before, err := b.Sum()
	if err != nil {
		return Entry{}, err
	}
	e := b.Charge
	// All amounts of a call have the same digits, as in 0.50.
	amount = amount.RoundTo(uint8(digits(b.Charge.Charge.Amount)), currency.RoundHalfUp) //nolint:gosec // few
	if e.Charge, err = e.Charge.Adjustment(amount, before); err != nil {
		return Entry{}, err
	}
	after, err := before.Add(amount)
	if err != nil {
		return Entry{}, fmt.Errorf("ledger: %w", err)
	}
	if err := checkSum(before, after); errors.As(err, new(*BelowZeroError)) && force {
		e.Charge = e.Charge.Force()
	} else if err != nil {
		return Entry{}, err
	}
	e.Kind, e.Revision = KindAdjustment, b.Next
	return c.book(ctx, e)
}
