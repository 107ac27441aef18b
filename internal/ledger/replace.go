package ledger

import (
	"context"
	"fmt"

	"aftercall/internal/billing"
)

// Replacement is a corrected charge: the reversal of the old charge, and the new
// charge.
type Replacement struct {
	Reversal, Charge Entry
}

// Replace books the reversal of the charge with the key, and another charge of the
// same record in its place, both in one transaction, once: inserted is false if
// the same sum replaced the charge before, and r is that earlier replacement.
// Adjustments of the call remain. If the charge was corrected in another way, the
// error is a *CorrectedError, and if the call would cost less than nothing with its
// adjustments, a *BelowZeroError. A key that no charge has is ErrNoCharge.
func (l *Ledger) Replace(ctx context.Context, key string, charge billing.Charge, signed Correction) (r Replacement, inserted bool, err error) {
	if err := signed.Validate(); err != nil {
		return Replacement{}, false, err
	}
	old, err := l.byKey(ctx, key)
	if err != nil {
		return Replacement{}, false, err
	}
	if old.Kind != KindCharge {
		return Replacement{}, false, fmt.Errorf("%w: %s is a %s, and only a charge can be replaced", ErrNoCharge, key, old.Kind)
	}
	replacing := old
	replacing.Charge = charge
	if err := replacing.validate(); err != nil {
		return Replacement{}, false, err
	}
	if err := l.storeTariff(ctx, &replacing); err != nil {
		return Replacement{}, false, err
	}
	err = l.correct(ctx, old, signed, func(c *correcting) error {
		if reversal, ok := c.reversalOf(key); ok {
			r.Reversal = reversal
			r.Charge, ok = c.byKey(Key(KindCharge, old.Revision+1, old.SDKAppID, old.CallID()))
			if !ok || !r.Charge.SameSum(replacing) {
				return &CorrectedError{Key: key, Entries: c.entries}
			}
			return nil
		}
		inserted = true
		r, err = c.replace(ctx, old, charge)
		return err
	})
	if err != nil {
		return Replacement{}, false, err
	}
	return r, inserted, nil
}

// replace books both entries of a replacement.
func (c *correcting) replace(ctx context.Context, old Entry, charge billing.Charge) (r Replacement, err error) {
	if err := BalanceOf(c.entries).CheckCharge(charge); err != nil {
		return r, err
	}
	if r.Reversal, err = c.reverse(ctx, old, false); err != nil {
		return r, err
	}
	r.Charge, err = c.charge(ctx, old, charge)
	return r, err
}
