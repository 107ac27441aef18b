package ops

import (
	"context"
	"errors"

	"aftercall/internal/ledger"
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
	// Notified reports that the targets are being notified.
	Notified bool `json:"notified"`
}

// Reverse books the negative of a call's charge, once, and then notifies the
// targets. If that cannot be started, the result is returned with the error. If the
// charge is replaced meanwhile, nothing is booked and the error is Refused.
func (d *Deps) Reverse(ctx context.Context, app, callID string, s Signature) (*Reversal, error) {
	return d.bookAndNotify(ctx, app, callID, s, func(l *ledger.Ledger, charge ledger.Entry, signed ledger.Correction) ([]ledger.Entry, bool, error) {
		stored, booked, err := l.Reverse(ctx, charge.Key, signed)
		if errors.As(err, new(*ledger.CorrectedError)) {
			err = Errorf(Refused, "to reverse the charge that counts now, repeat the command", "nothing was booked: %w", err)
		}
		return stored, booked, err
	})
}

// Reinstate takes back the reversal of a call's charge, once: it books the charge
// again as the next revision, and then notifies the targets. If that cannot be
// started, the result is returned with the error.
func (d *Deps) Reinstate(ctx context.Context, app, callID string, s Signature) (*Reversal, error) {
	return d.bookAndNotify(ctx, app, callID, s, func(l *ledger.Ledger, charge ledger.Entry, signed ledger.Correction) ([]ledger.Entry, bool, error) {
		stored, booked, err := l.Reinstate(ctx, charge.SDKAppID, callID, signed)
		if errors.Is(err, ledger.ErrNotReversed) {
			err = Errorf(Refused, "", "nothing was booked: %w", err)
		}
		return stored, booked, err
	})
}

// bookAndNotify books entries for the charge of a call that counts, or was reversed
// last, and notifies the targets of what is stored.
func (d *Deps) bookAndNotify(ctx context.Context, app, callID string, s Signature,
	book func(*ledger.Ledger, ledger.Entry, ledger.Correction) (entries []ledger.Entry, booked bool, err error),
) (*Reversal, error) {
	signed, err := s.correction()
	if err != nil {
		return nil, err
	}
	notifier, err := d.correctionNotifier()
	if err != nil {
		return nil, err
	}
	charge, err := d.chargeToReverse(ctx, app, callID)
	if err != nil {
		return nil, err
	}
	l, err := d.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	entries, booked, err := book(l, charge, signed)
	if err != nil {
		return nil, err
	}
	r := &Reversal{Entry: newExplainedEntry(entries[0]), Adjustments: []ExplainedEntry{}, Booked: booked}
	for _, e := range entries[1:] {
		r.Adjustments = append(r.Adjustments, newExplainedEntry(e))
	}
	if err := notifier.notify(ctx, entries...); err != nil {
		return r, notNotified(err)
	}
	r.Notified = true
	return r, nil
}

// chargeToReverse finds the charge that counts, or the one reversed last.
func (d *Deps) chargeToReverse(ctx context.Context, app, callID string) (ledger.Entry, error) {
	entries, err := d.entriesOfOneApp(ctx, app, callID)
	if err != nil {
		return ledger.Entry{}, err
	}
	var last ledger.Entry
	for _, e := range entries {
		if e.Kind == ledger.KindCharge {
			last = e
		}
	}
	return last, nil
}
