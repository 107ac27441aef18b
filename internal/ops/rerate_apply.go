package ops

import (
	"context"
	"errors"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
)

// difference records a difference, and books it if corrections are applied.
func (r *rerater) difference(ctx context.Context, e ledger.Entry, charge billing.Charge) error {
	d := Difference{
		CallID: e.CallID(), SDKAppID: e.SDKAppID, App: e.App, Payer: e.Payer(),
		OldAmount: e.Charge.Amount.Number(), OldCurrency: e.Charge.Amount.CurrencyCode(),
		NewAmount: charge.Amount.Number(), NewCurrency: charge.Amount.CurrencyCode(),
	}
	if change, err := charge.Amount.Sub(e.Charge.Amount); err == nil {
		d.Difference = withSign(change)
	}
	if !r.result.Applied {
		entries, err := r.ledger.Get(ctx, e.SDKAppID, e.CallID())
		if err != nil {
			return err
		}
		if err := ledger.BalanceOf(entries).CheckCharge(charge); err != nil {
			r.skip(e, err.Error())
			return nil
		}
	}
	if r.result.Applied {
		replaced, _, err := r.ledger.Replace(ctx, e.Key, charge, r.signed)
		if errors.As(err, new(*ledger.CorrectedError)) || errors.As(err, new(*ledger.AdjustmentError)) || errors.As(err, new(*ledger.BelowZeroError)) {
			r.skip(e, err.Error())
			return nil
		}
		if err != nil {
			return err
		}
		d.ReversalKey, d.ChargeKey = replaced.Reversal.Key, replaced.Charge.Key
		r.notify(ctx, replaced.Reversal, replaced.Charge)
	}
	r.oldSums.add(e.Charge.Amount)
	r.newSums.add(charge.Amount)
	r.result.Differences = append(r.result.Differences, d)
	return nil
}

// notifyAgain starts the notifications of a correction that an earlier run of
// the same command booked, perhaps without being able to start them. What was
// started before is not started again.
func (r *rerater) notifyAgain(ctx context.Context, e ledger.Entry) error {
	if !r.result.Applied || !e.Correction() || e.Operator != r.signed.Operator || e.Reason != r.signed.Reason {
		return nil
	}
	entries, err := r.ledger.Get(ctx, e.SDKAppID, e.CallID())
	if err != nil {
		return err
	}
	for _, reversal := range entries {
		if reversal.Kind == ledger.KindReversal && !reversal.Adjusts() && reversal.Revision == e.Revision-1 {
			r.notify(ctx, reversal, e)
		}
	}
	return nil
}

// notify starts the notifications of a correction. After Temporal has failed to
// answer once, it is not asked again for every call.
func (r *rerater) notify(ctx context.Context, entries ...ledger.Entry) {
	if r.notifyErr == nil {
		r.notifyErr = NotifyCorrections(ctx, r.calls, entries...)
	}
	if r.notifyErr != nil {
		r.result.NotNotified++
	}
}
