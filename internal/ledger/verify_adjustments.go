package ledger

import (
	"context"

	"github.com/bojanz/currency"

	"aftercall/internal/tencent"
)

// adjustments goes through the calls that were adjusted, one at a time.
func (v *verifier) adjustments(ctx context.Context) error {
	const query = "SELECT " + entryColumns + ` FROM ledger_entries e
WHERE (e.call_id, e.sdk_app_id) IN (SELECT a.call_id, a.sdk_app_id FROM ledger_entries a WHERE a.kind = 'adjustment')
ORDER BY e.call_id, e.sdk_app_id, e.seq`
	call := adjustedCall{verifier: v}
	err := each(ctx, v.snapshot, query, nil, func(scan func(...any) error) error {
		var r row
		if err := scan(r.columns()...); err != nil {
			return err
		}
		r.entry.Record.CallID = r.copied.callID
		e, err := r.decode()
		if e.SDKAppID != call.app || e.CallID() != call.id {
			call.end()
			call = adjustedCall{verifier: v, app: e.SDKAppID, id: e.CallID(), of: map[string]currency.Amount{}}
		}
		if err != nil {
			call.unreadable = true // reported with its entry
		}
		call.next(e)
		return nil
	})
	call.end()
	return err
}

// adjustedCall is a call while its entries are gone through in their order.
type adjustedCall struct {
	*verifier
	app tencent.SDKAppID
	id  string
	// charge is the one in effect, nil if there is none.
	charge *Entry
	// sum is what the call costs, and replaced what it cost before a charge was
	// reversed.
	sum, replaced currency.Amount
	// of are the amounts of the adjustments in effect by their keys.
	of map[string]currency.Amount
	// last is the last adjustment, and number its number.
	last       Entry
	number     int
	unreadable bool
}

// next takes the next entry in.
func (c *adjustedCall) next(e Entry) {
	if c.unreadable {
		return
	}
	if e.Kind == KindCharge && c.sum.IsZero() && len(c.of) == 0 {
		c.sum = currency.Amount{} // nothing is left of a charge in another currency
	}
	before, amount := c.sum, e.Charge.Amount
	after, err := before.Add(amount)
	if err != nil {
		c.report(&e, "is in %s, but the call was charged in %s", amount.CurrencyCode(), before.CurrencyCode())
		c.unreadable = true
		return
	}
	c.sum = after
	switch {
	case e.Kind == KindCharge:
		if len(c.of) > 0 { // it replaces the one that was reversed
			c.belowZero(&e, c.replaced, after)
		}
		c.charge = &e
	case e.Kind == KindAdjustment:
		c.adjustment(&e, before, after)
	case e.Adjusts():
		delete(c.of, e.Reverses)
		if c.charge != nil {
			c.belowZero(&e, before, after)
		}
	default:
		c.charge, c.replaced = nil, before
	}
}

// adjustment checks an adjustment by the sum before it.
func (c *adjustedCall) adjustment(e *Entry, before, after currency.Amount) {
	c.of[e.Key], c.last = e.Charge.Amount, *e
	if c.number++; e.Revision != c.number {
		c.report(e, "is adjustment %d of its call, but the one before was %d", e.Revision, c.number-1)
		c.number = e.Revision
	}
	if c.charge == nil {
		c.report(e, "adjusts a call that was not charged then")
		return
	}
	want, err := c.charge.Charge.Adjustment(e.Charge.Amount, before)
	if err == nil && e.Charge.Forced() {
		want = want.Force()
	}
	if err != nil || e.Charge.Amount.IsZero() || !want.SameSum(e.Charge) || want.Tariff.Hash != e.Charge.Tariff.Hash {
		c.report(e, "is %s, and the call cost %s: its steps, seconds or tariff are not those of such an adjustment", e.Charge.Amount, before)
	}
	c.belowZero(e, before, after)
}

// belowZero reports an entry that lowers the sum of its call below zero, and was not
// forced to.
func (c *adjustedCall) belowZero(e *Entry, before, after currency.Amount) {
	if checkSum(before, after) != nil && !e.Charge.Forced() {
		c.report(e, "brings what the call costs from %s to %s, and nobody forced it below zero", before, after)
	}
}

// end checks what remains after the last entry.
func (c *adjustedCall) end() {
	if c.charge == nil && len(c.of) > 0 && !c.unreadable {
		c.report(&c.last, "adjusts a call whose charge was reversed, so that it costs %s: reverse the adjustment, too", c.sum)
	}
}
