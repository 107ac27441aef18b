package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bojanz/currency"

	"aftercall/dev/faults/checker"
	"aftercall/internal/ledger"
	"aftercall/internal/ops"
)

// corrections are what people do about the charge of a call, one step after the other.
var corrections = [][]string{
	{checker.Reverse},
	{checker.Adjust},
	{checker.Adjust, checker.Adjust},
	{checker.Reverse, checker.Undo},
	{checker.Adjust, checker.Reverse},
	{checker.Adjust, checker.Reverse, checker.Undo},
	{checker.Reverse, checker.Undo, checker.Adjust, checker.Reverse},
}

// correctionFaults counts the steps.
var correctionFaults = map[string]Fault{checker.Reverse: Reversed, checker.Undo: Undone, checker.Adjust: Adjusted}

// correct does the steps that are left from the one with a number, once the call has a
// charge: each as the command does that an operator repeats until it has worked.
func (w *World) correct(c *call, steps []string, number int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	next := func(after time.Duration, number int) {
		w.agenda.After(after, "correct "+c.key(), func() { go w.correct(c, steps, number) })
	}
	entries, err := w.read(c.about(), func() ([]ledger.Entry, error) { return w.ledger.Get(ctx, c.app, c.id) })
	if err == nil && len(entries) == 0 {
		err = errors.New("not charged yet")
		if !c.recorded {
			return
		}
	}
	if err == nil {
		err = w.step(ctx, c, steps[number], fmt.Sprintf("correction %d", number), entries)
	}
	w.trace.add(c.id, "correction %d, %s: %v", number, steps[number], err)
	switch {
	case err != nil:
		next(10*time.Minute, number)
	case w.plan.strikes(CorrectedAgain, c.key()): // who does not know that it has worked
		next(10*time.Minute, number)
	case number+1 < len(steps):
		next(upTo(w.plan.random("step", c.key(), steps[number]), 2*time.Hour), number+1)
	}
}

// step books a correction, unless that was done, and notifies the targets.
func (w *World) step(ctx context.Context, c *call, kind, reason string, entries []ledger.Entry) error {
	signed := ledger.Correction{Operator: "operator", Reason: reason, Force: true}
	made := checker.Correction{App: c.name, CallID: c.id, Kind: kind}
	o, end := w.begin(operations[kind], c.about())
	var stored []ledger.Entry
	var booked bool
	adjustment := w.adjustment(c, entries, signed)
	switch kind {
	case checker.Reverse:
		o.Key = lastCharge(entries).Key
	case checker.Adjust:
		made.Amount = adjustment.Amount.Number()
		o.Entries = []checker.Entry{{Amount: made.Amount, Key: ledger.Key(ledger.KindAdjustment, adjustment.Number, c.app, c.id)}}
	}
	err := ledgerSeam{w.ledger, w.plan}.reach(kind+" "+c.key(), func() (err error) {
		switch kind {
		case checker.Reverse:
			stored, booked, err = w.ledger.Reverse(ctx, o.Key, signed)
		case checker.Undo:
			stored, booked, err = w.ledger.Reinstate(ctx, c.app, c.id, signed)
		default:
			var one ledger.Entry
			one, booked, err = w.ledger.Adjust(ctx, c.app, c.id, adjustment)
			stored = []ledger.Entry{one}
		}
		return err
	})
	if err == nil {
		o.Entries = newEntries(stored)
	}
	end(o, outcome(booked, err))
	if err != nil {
		return err
	}
	w.carriedOut(made, reason)
	return ops.NotifyCorrections(ctx, w.process.tasks.Calls, stored...)
}

// carriedOut notes a correction, once: whether the ledger books a repetition again is for
// the checker to find out.
func (w *World) carriedOut(made checker.Correction, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	step := made.App + " " + made.CallID + " " + reason
	if w.corrected[step] {
		return
	}
	w.corrected[step] = true
	w.corrections = append(w.corrections, made)
	w.plan.happened(correctionFaults[made.Kind])
}

var operations = map[string]checker.OperationKind{checker.Reverse: checker.OpReverse, checker.Undo: checker.OpUndo, checker.Adjust: checker.OpAdjust}

// lastCharge is the charge of the last revision.
func lastCharge(entries []ledger.Entry) (last ledger.Entry) {
	for _, e := range entries {
		if e.Kind == ledger.KindCharge {
			last = e
		}
	}
	return last
}

// adjustment is a credit or a surcharge, the one that was booked for the reason or the
// next one.
func (w *World) adjustment(c *call, entries []ledger.Entry, signed ledger.Correction) ledger.Adjustment {
	amounts := map[string][]string{"USD": {"-0.05", "0.20", "12.00"}, "JPY": {"-3", "25", "-1000"}}
	code := entries[0].Charge.Amount.CurrencyCode()
	number := amounts[code][w.plan.random("amount", c.key(), signed.Reason).IntN(3)]
	amount, err := currency.NewAmount(number, code)
	if err != nil {
		w.problem("no amount: " + err.Error())
	}
	a := ledger.Adjustment{Amount: amount, Number: ledger.BalanceOf(entries).Next, Correction: signed}
	if i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Kind == ledger.KindAdjustment && e.Reason == signed.Reason }); i >= 0 {
		a.Number = entries[i].Revision
	}
	return a
}
