package checker

import (
	"math/big"
	"slices"
)

// The kinds of entries.
const (
	kindCharge     = "charge"
	kindReversal   = "reversal"
	kindAdjustment = "adjustment"
)

// The kinds of corrections.
const (
	Reverse = "reverse" // the charge, and with it its adjustments
	Undo    = "undo"    // charges again what was reversed last
	Adjust  = "adjust"
)

// Correction is what a person has done about the charge of a call.
type Correction struct {
	App, CallID string
	// Kind is Reverse, Undo or Adjust.
	Kind string
	// Amount is that of an adjustment.
	Amount string
}

// booking is what a correction must have left in the ledger, or has.
type booking struct{ kind, amount string }

func newBooking(kind, amount string, sign int64) booking {
	exact, ok := new(big.Rat).SetString(amount)
	if !ok {
		return booking{kind, "no amount: " + amount}
	}
	return booking{kind, exact.Mul(exact, big.NewRat(sign, 1)).RatString()}
}

// bookings are what the corrections of a call have left, in the order in which they
// were made.
func (r *report) bookings(c Call, charged Entry) (all []booking) {
	var counts, reversed []string // amounts of adjustments
	for _, made := range r.Corrections {
		switch {
		case made.ID() != c.ID():
		case made.Kind == Reverse:
			all = append(all, newBooking(kindReversal, charged.Amount, -1))
			for _, amount := range counts {
				all = append(all, newBooking(kindReversal, amount, -1))
			}
			counts, reversed = nil, counts
		case made.Kind == Undo:
			all = append(all, newBooking(kindCharge, charged.Amount, 1))
			for _, amount := range reversed {
				all = append(all, newBooking(kindAdjustment, amount, 1))
			}
			counts, reversed = reversed, nil
		default:
			all = append(all, newBooking(kindAdjustment, made.Amount, 1))
			counts = append(counts, made.Amount)
		}
	}
	return all
}

// corrections checks that what people have corrected is, once, and nothing else.
func (r *report) corrections(c Call, charged Entry, later []Entry) {
	missing := r.bookings(c, charged)
	for _, entry := range later {
		if entry.Payer != charged.Payer || entry.EndedAt != charged.EndedAt {
			r.add(WrongPayer, c.ID(), "%s is of %q at %s, and corrects what was charged to %q at %s",
				entry.Key, entry.Payer, clockOf(entry.EndedAt), charged.Payer, clockOf(charged.EndedAt))
		}
		if entry.Currency != charged.Currency {
			r.add(WrongSum, c.ID(), "%s is in %s, and corrects what was charged in %s", entry.Key, entry.Currency, charged.Currency)
		}
		i := slices.Index(missing, newBooking(entry.Kind, entry.Amount, 1))
		switch {
		case i >= 0:
			missing = slices.Delete(missing, i, i+1)
		case entry.Kind == kindCharge:
			r.add(Doubled, c.ID(), "it is charged by %s, and again by %s", charged.Key, entry.Key)
		default:
			r.add(Extra, c.ID(), "%s of %s is no correction that anybody has made", entry.Key, entry.Amount)
		}
	}
	for _, b := range missing {
		r.add(Lost, c.ID(), "a person has corrected it, and there is no %s of %s", b.kind, b.amount)
	}
	r.reversed(c, append([]Entry{charged}, later...))
}

// reversed checks that every reversal takes back an entry of its call, which no other
// one does.
func (r *report) reversed(c Call, entries []Entry) {
	by := map[string]string{}
	for _, reversal := range entries {
		if reversal.Kind != kindReversal {
			continue
		}
		of, found := find(entries, reversal.Reverses)
		switch earlier := by[reversal.Reverses]; {
		case !found || of.Kind == kindReversal || newBooking("", of.Amount, -1) != newBooking("", reversal.Amount, 1):
			r.add(WrongSum, c.ID(), "%s is %s, and reverses %q of %s", reversal.Key, reversal.Amount, reversal.Reverses, of.Amount)
		case earlier != "":
			r.add(Doubled, c.ID(), "%s is reversed by %s, and again by %s", reversal.Reverses, earlier, reversal.Key)
		}
		by[reversal.Reverses] = reversal.Key
	}
}
