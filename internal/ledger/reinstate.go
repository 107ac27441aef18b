package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aftercall/internal/tencent"
)

// ErrNotReversed is returned for a call whose charge counts, so that no reversal
// can be taken back.
var ErrNotReversed = errors.New("the charge of the call was not reversed")

// Reinstate takes back the reversal of a call's last charge: it books the same charge
// again, as the next revision, and the adjustments that were reversed with it, once.
// inserted is false if a charge of a later revision than the first counts already,
// and booked is that charge, with the adjustments of the same person and reason. A call
// whose first charge counts is ErrNotReversed, and one without entries ErrNoCharge.
func (l *Ledger) Reinstate(ctx context.Context, app tencent.SDKAppID, callID string, signed Correction) (booked []Entry, inserted bool, err error) {
	if err := signed.Validate(); err != nil {
		return nil, false, err
	}
	of := Entry{SDKAppID: app, Record: tencent.CallRecord{CallID: callID}}
	err = l.correct(ctx, of, signed, func(c *correcting) error {
		if b := BalanceOf(c.entries); b.Charged {
			if b.Charge.Revision == 1 {
				return fmt.Errorf("%w: it is charged %s by %s", ErrNotReversed, b.Charge.Charge.Amount, b.Charge.Key)
			}
			booked = bookedWith(b)
			return nil
		}
		i := slices.IndexFunc(c.entries, func(e Entry) bool { return e.Kind == KindCharge && !c.hasCharge(e.Revision+1) })
		if i < 0 {
			return fmt.Errorf("%w: call %s", ErrNoCharge, callID)
		}
		inserted = true
		booked, err = c.reinstate(ctx, c.entries[i])
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return booked, inserted, nil
}

// bookedWith are the charge in effect and the adjustments with its signature.
func bookedWith(b Balance) []Entry {
	booked := []Entry{b.Charge}
	for _, a := range b.Adjustments {
		if a.Operator == b.Charge.Operator && a.Reason == b.Charge.Reason {
			booked = append(booked, a)
		}
	}
	return booked
}

func (c *correcting) hasCharge(revision int) bool {
	return slices.ContainsFunc(c.entries, func(e Entry) bool { return e.Kind == KindCharge && e.Revision == revision })
}

// reinstate books the charge that was reversed last, and its adjustments.
func (c *correcting) reinstate(ctx context.Context, last Entry) ([]Entry, error) {
	reversal, ok := c.reversalOf(last.Key)
	if !ok {
		return nil, fmt.Errorf("ledger: %s has no reversal, but does not count", last.Key)
	}
	var adjustments []Entry
	for _, r := range c.reversedWith(reversal)[1:] {
		a, ok := c.byKey(r.Reverses)
		if !ok {
			return nil, fmt.Errorf("ledger: %s does not exist, but was reversed", r.Reverses)
		}
		adjustments = append(adjustments, a)
	}
	// Surcharges first: the sum is not lower in between than it is in the end.
	slices.SortStableFunc(adjustments, func(a, b Entry) int {
		order, _ := b.Charge.Amount.Cmp(a.Charge.Amount) // both are in the currency of the charge
		return order
	})
	charge, err := c.charge(ctx, last, last.Charge)
	if err != nil {
		return nil, err
	}
	booked := []Entry{charge}
	for _, a := range adjustments {
		// What a person forced before is forced again.
		e, err := c.adjust(ctx, a.Charge.Amount, true)
		if err != nil {
			return nil, err
		}
		booked = append(booked, e)
	}
	return booked, nil
}
