package ledger

import (
	"context"
	"fmt"
)

// Reverse books the negative of the charge or adjustment with the key, once: inserted
// is false if it was reversed before, and reversals are those earlier ones. With a
// charge, the adjustments of its call that count are reversed too, in the same
// transaction: their reversals follow that of the charge.
//
// If another charge replaced it and counts, the error is a *CorrectedError. A key that
// neither a charge nor an adjustment has is ErrNoCharge. To reverse a surcharge that
// was credited since can give a *BelowZeroError.
func (l *Ledger) Reverse(ctx context.Context, key string, signed Correction) (reversals []Entry, inserted bool, err error) {
	if err := signed.Validate(); err != nil {
		return nil, false, err
	}
	e, err := l.byKey(ctx, key)
	if err != nil {
		return nil, false, err
	}
	if e.Kind == KindReversal {
		return nil, false, fmt.Errorf("%w: %s is a reversal, and only a charge or an adjustment can be reversed", ErrNoCharge, key)
	}
	err = l.correct(ctx, e, signed, func(c *correcting) error {
		if earlier, ok := c.reversalOf(key); ok {
			reversals = c.reversedWith(earlier)
			if _, charged := Live(c.entries); charged && e.Kind == KindCharge {
				return &CorrectedError{Key: key, Entries: c.entries}
			}
			return nil
		}
		inserted = true
		if e.Kind == KindAdjustment {
			reversals, err = c.reverseAdjustment(ctx, e)
		} else {
			reversals, err = c.reverseCharge(ctx, e)
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return reversals, inserted, nil
}

// reverseCharge books the reversals of a charge and of all adjustments.
func (c *correcting) reverseCharge(ctx context.Context, charge Entry) ([]Entry, error) {
	var reversals []Entry
	for _, e := range append([]Entry{charge}, BalanceOf(c.entries).Adjustments...) {
		r, err := c.reverse(ctx, e, false)
		if err != nil {
			return nil, err
		}
		reversals = append(reversals, r)
	}
	return reversals, nil
}

// reverseAdjustment books the reversal of one adjustment.
func (c *correcting) reverseAdjustment(ctx context.Context, adjustment Entry) ([]Entry, error) {
	before, err := BalanceOf(c.entries).Sum()
	if err != nil {
		return nil, err
	}
	after, err := before.Sub(adjustment.Charge.Amount)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	belowZero := checkSum(before, after)
	if belowZero != nil && !c.signed.Force {
		return nil, belowZero
	}
	r, err := c.reverse(ctx, adjustment, belowZero != nil)
	return []Entry{r}, err
}

// reversedWith is a reversal and, if it is that of a charge, those of the adjustments
// that were booked with it. Nothing is adjusted while a call has no charge, so these
// are all until the next charge.
func (c *correcting) reversedWith(reversal Entry) []Entry {
	reversals := []Entry{reversal}
	if reversal.Adjusts() {
		return reversals
	}
	for _, e := range c.entries {
		if e.Seq <= reversal.Seq {
			continue
		}
		if e.Kind != KindReversal || !e.Adjusts() {
			break
		}
		reversals = append(reversals, e)
	}
	return reversals
}
