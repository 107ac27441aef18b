package ops

import (
	"context"
	"errors"

	"aftercall/internal/ledger"
	"aftercall/internal/shell"
)

// Reversal is the result of reversing a charge or an adjustment, or of taking that
// back.
type Reversal struct {
	Entry ExplainedEntry `json:"entry"`
	// Adjustments are the entries that were booked together with it: of the
	// adjustments of the call.
	Adjustments []ExplainedEntry `json:"adjustments"`
	// Booked is false if that had been done before.
	Booked bool `json:"booked"`
	// Costs is what the call costs now.
	Costs Costs `json:"costs"`
	// Notified reports that the targets are being notified.
	Notified bool `json:"notified"`
}

// ReverseParams say what is reversed.
type ReverseParams struct {
	// App is needed only if two apps have the call.
	App, CallID string
	// Adjustment is the number of one adjustment of the call; 0 is its charge, with
	// all adjustments.
	Adjustment int
	// Force lets the call cost less than nothing once a surcharge is reversed.
	Force     bool
	Signature Signature
}

// Reverse books the negative of a call's charge and adjustments, or of one adjustment,
// once, and then notifies the targets. If that cannot be started, the result is
// returned with the error. If the charge is replaced meanwhile, nothing is booked and
// the error is Refused.
func (d *Deps) Reverse(ctx context.Context, p ReverseParams) (*Reversal, error) {
	if p.Adjustment < 0 {
		return nil, Errorf(Usage, "", "--adjustment: must be 1 or more")
	}
	return d.bookAndNotify(ctx, p, func(l *ledger.Ledger, e ledger.Entry, signed ledger.Correction) ([]ledger.Entry, bool, error) {
		entries, booked, err := l.Reverse(ctx, e.Key, signed)
		if errors.As(err, new(*ledger.CorrectedError)) {
			err = Errorf(Refused, "to reverse the charge that counts now, repeat the command", "nothing was booked: %w", err)
		}
		return entries, booked, adjustmentProblem(err, p.CallID)
	})
}

// Reinstate takes back the reversal of a call's charge, once: it books the charge
// again as the next revision, with the adjustments that were reversed with it, and
// then notifies the targets. If that cannot be started, the result is returned with
// the error.
func (d *Deps) Reinstate(ctx context.Context, p ReverseParams) (*Reversal, error) {
	if p.Adjustment != 0 {
		return nil, Errorf(Usage, "adjust the call again: aftercall ledger adjust --number N", "--undo takes back the reversal of a charge, not of an adjustment")
	}
	return d.bookAndNotify(ctx, p, func(l *ledger.Ledger, charge ledger.Entry, signed ledger.Correction) ([]ledger.Entry, bool, error) {
		entries, booked, err := l.Reinstate(ctx, charge.SDKAppID, charge.CallID(), signed)
		if errors.Is(err, ledger.ErrNotReversed) {
			err = Errorf(Refused, "", "nothing was booked: %w", err)
		}
		return entries, booked, err
	})
}

// bookAndNotify books entries for the charge of a call that counts, or was reversed
// last, or for one of its adjustments, and notifies the targets of what is stored.
func (d *Deps) bookAndNotify(ctx context.Context, p ReverseParams,
	book func(*ledger.Ledger, ledger.Entry, ledger.Correction) (entries []ledger.Entry, booked bool, err error),
) (*Reversal, error) {
	signed, err := p.Signature.correction()
	if err != nil {
		return nil, err
	}
	signed.Force = p.Force
	calls, err := d.starts()
	if err != nil {
		return nil, err
	}
	of, err := d.entryToReverse(ctx, p)
	if err != nil {
		return nil, err
	}
	l, err := d.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	entries, booked, err := book(l, of, signed)
	if err != nil {
		return nil, err
	}
	r := &Reversal{Entry: newExplainedEntry(entries[0]), Adjustments: []ExplainedEntry{}, Booked: booked}
	for _, e := range entries[1:] {
		r.Adjustments = append(r.Adjustments, newExplainedEntry(e))
	}
	if r.Costs, err = costsNow(ctx, l, of); err != nil {
		return r, err
	}
	if err := NotifyCorrections(ctx, calls, entries...); err != nil {
		return r, notNotified(err)
	}
	r.Notified = true
	return r, nil
}

// entryToReverse finds the charge that counts, or the one reversed last, or an
// adjustment.
func (d *Deps) entryToReverse(ctx context.Context, p ReverseParams) (found ledger.Entry, err error) {
	entries, err := d.entriesOfOneApp(ctx, p.App, p.CallID)
	if err != nil {
		return ledger.Entry{}, err
	}
	for _, e := range entries {
		switch {
		case p.Adjustment == 0 && e.Kind == ledger.KindCharge:
			found = e
		case p.Adjustment > 0 && e.Kind == ledger.KindAdjustment && e.Revision == p.Adjustment:
			return e, nil
		}
	}
	if found.Key == "" {
		return found, Errorf(NotFound, "look at the call: "+shell.Command("aftercall ledger show", p.CallID), "--adjustment: the call has no adjustment %d", p.Adjustment)
	}
	return found, nil
}
