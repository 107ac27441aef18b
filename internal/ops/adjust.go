package ops

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
)

// AdjustParams say which call is adjusted, and by how much.
type AdjustParams struct {
	// App is needed only if two apps have the call.
	App, CallID string
	// Amount is a decimal number, negative for a credit, and may name the currency of
	// the call, as in "-0.10 USD".
	Amount string
	// Number is which adjustment of the call this is; 0 is the next one, unless the
	// call was adjusted by the same amount before.
	Number int
	// Force lets the call cost less than nothing.
	Force bool
	// DryRun books nothing.
	DryRun    bool
	Signature Signature
}

// Adjusted is the result of adjusting a call.
type Adjusted struct {
	CallID   string           `json:"call_id"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	Payer    string           `json:"payer"`
	// Number is which adjustment of the call it is, and Key that of its entry.
	Number   int    `json:"number"`
	Key      string `json:"key"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	// OldAmount is what the call cost before this, and NewAmount what it costs now
	// or, in a dry run, would cost.
	OldAmount string `json:"old_amount"`
	NewAmount string `json:"new_amount"`
	// Booked is false in a dry run, and if the adjustment had been booked before.
	Booked bool `json:"booked"`
	// Earlier is that adjustment, and Reversed reports that it was reversed since.
	Earlier  *LedgerEntry `json:"earlier"`
	Reversed bool         `json:"reversed"`
	// Notified reports that the targets are being notified.
	Notified bool `json:"notified"`
	// Next is the number with which the same adjustment could be booked once more.
	Next int `json:"next"`
}

// Adjust books a credit or a surcharge, and then notifies the targets. If that cannot
// be started, the result is returned with the error. A repetition by the same person
// for the same reason books nothing, and notifies the targets if that was not done; the
// same amount by somebody else is refused. In both cases Number books it once more.
func (d *Deps) Adjust(ctx context.Context, p AdjustParams) (*Adjusted, error) {
	amount, code, err := parseAmount(p.Amount)
	if err != nil {
		return nil, err
	}
	if p.Number < 0 {
		return nil, Errorf(Usage, "", "--number: must be 1 or more")
	}
	signed, err := p.Signature.correction()
	if err != nil {
		return nil, err
	}
	signed.Force = p.Force
	entries, err := d.entriesOfOneApp(ctx, p.App, p.CallID)
	if err != nil {
		return nil, err
	}
	last := entries[len(entries)-1]
	if amount.Sign() > 0 && !last.HasPayer() {
		return nil, Errorf(Refused, "charge it outside of aftercall", "it is not known who pays for this call: a surcharge would be on the statement of nobody, or of the wrong account")
	}
	balance := ledger.BalanceOf(entries)
	a := ledger.Adjustment{Number: p.Number, Correction: signed}
	if code == "" {
		code = last.Charge.Amount.CurrencyCode()
	}
	if a.Amount, err = currency.NewAmount(amount.String(), code); err != nil {
		return nil, Errorf(Usage, "write the number, as in --amount -0.10", "--amount: %s is not a currency", code)
	}
	if a.Number == 0 {
		if a.Number, err = adjustmentNumber(entries, a, balance.Next); err != nil {
			return nil, err
		}
	}
	if p.DryRun {
		return previewAdjustment(entries, a)
	}
	return d.bookAdjustment(ctx, entries[0], a)
}

// parseAmount reads a number and, after a space, a currency, which may be empty.
func parseAmount(text string) (amount billing.Decimal, code string, err error) {
	number, code, _ := strings.Cut(text, " ")
	unsigned, plus := strings.CutPrefix(number, "+")
	if plus && strings.HasPrefix(unsigned, "-") {
		unsigned = number // which no number begins with
	}
	if amount, err = billing.ParseDecimal(unsigned); err != nil {
		return amount, "", Errorf(Usage, "a credit is negative, as in --amount -0.10", "--amount: %q %w", text, err)
	}
	if amount.Sign() == 0 {
		return amount, "", Errorf(Usage, "a credit is negative, as in --amount -0.10", "--amount: an adjustment of 0 changes nothing")
	}
	return amount, code, nil
}

// adjustmentNumber is that of an adjustment which was booked before, or the next one.
func adjustmentNumber(entries []ledger.Entry, a ledger.Adjustment, next int) (int, error) {
	var other *ledger.Entry
	for _, e := range slices.Backward(entries) {
		switch {
		case e.Kind != ledger.KindAdjustment || !e.Charge.Amount.Equal(a.Amount):
		case a.Same(e):
			return e.Revision, nil
		case other == nil:
			other = &e
		}
	}
	if other != nil {
		return 0, Errorf(Refused, "to adjust it once more, repeat the command with --number "+strconv.Itoa(next),
			"nothing was booked: the call was adjusted by %s before, at %s by %s (%s)", other.Charge.Amount, other.CreatedAt.Format(time.RFC3339), other.Operator, other.Reason)
	}
	return next, nil
}

// bookAdjustment books an adjustment of the call of an entry.
func (d *Deps) bookAdjustment(ctx context.Context, of ledger.Entry, a ledger.Adjustment) (*Adjusted, error) {
	calls, err := d.starts()
	if err != nil {
		return nil, err
	}
	l, err := d.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	stored, booked, err := l.Adjust(ctx, of.SDKAppID, of.CallID(), a)
	if err != nil {
		return nil, adjustmentProblem(err, of.CallID())
	}
	entries, err := l.Get(ctx, of.SDKAppID, of.CallID())
	if err != nil {
		return nil, err
	}
	r, err := newAdjusted(entries, stored)
	if err != nil {
		return nil, err
	}
	if r.Booked = booked; !booked {
		earlier := newLedgerEntry(stored)
		r.Earlier, r.OldAmount = &earlier, r.NewAmount
	}
	if err := NotifyCorrections(ctx, calls, stored); err != nil {
		return r, notNotified(err)
	}
	r.Notified = true
	return r, nil
}

// newAdjusted is the result of an adjustment that is one of the entries of its call.
func newAdjusted(entries []ledger.Entry, a ledger.Entry) (*Adjusted, error) {
	balance := ledger.BalanceOf(entries)
	after, err := balance.Sum()
	if err != nil {
		return nil, err
	}
	before, err := after.Sub(a.Charge.Amount)
	if err != nil {
		return nil, err
	}
	return &Adjusted{
		CallID: a.CallID(), SDKAppID: a.SDKAppID, App: a.App, Payer: a.Payer(),
		Number: a.Revision, Key: a.Key, Amount: a.Charge.Amount.Number(), Currency: a.Charge.Amount.CurrencyCode(),
		OldAmount: before.Number(), NewAmount: after.Number(), Next: balance.Next,
		Reversed: !slices.ContainsFunc(balance.Adjustments, func(e ledger.Entry) bool { return e.Key == a.Key }),
	}, nil
}

// previewAdjustment is what an adjustment would do.
func previewAdjustment(entries []ledger.Entry, a ledger.Adjustment) (*Adjusted, error) {
	for _, e := range entries {
		if e.Kind == ledger.KindAdjustment && e.Revision == a.Number && a.Same(e) {
			r, err := newAdjusted(entries, e)
			if err != nil {
				return nil, err
			}
			earlier := newLedgerEntry(e)
			r.Earlier, r.OldAmount = &earlier, r.NewAmount
			return r, nil
		}
	}
	of := entries[0]
	if err := a.Check(entries); err != nil {
		return nil, adjustmentProblem(err, of.CallID())
	}
	planned := of
	planned.Kind, planned.Revision, planned.Charge.Amount = ledger.KindAdjustment, a.Number, a.Amount
	planned.Key = ledger.Key(planned.Kind, a.Number, of.SDKAppID, of.CallID())
	return newAdjusted(append(slices.Clip(entries), planned), planned)
}

// adjustmentProblem says what to do about an adjustment that the ledger refuses.
func adjustmentProblem(err error, callID string) error {
	var number *ledger.NumberError
	switch {
	case errors.As(err, new(*ledger.AdjustmentError)):
		return Errorf(Usage, "", "--amount: %w", err)
	case errors.As(err, &number):
		return Errorf(Refused, "look at the call: "+shell.Command("aftercall ledger show", callID), "nothing was booked: %w", err)
	case errors.As(err, new(*ledger.BelowZeroError)):
		return Errorf(Refused, "if it must, add --force", "nothing was booked: %w", err)
	case errors.Is(err, ledger.ErrNotCharged):
		return Errorf(Refused, "to charge it again: "+shell.Command("aftercall ledger reverse --undo", callID), "nothing was booked: %w", err)
	}
	return err
}
