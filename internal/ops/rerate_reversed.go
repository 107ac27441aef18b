package ops

import (
	"context"
	"fmt"

	"aftercall/internal/ledger"
	"aftercall/internal/shell"
)

// explainReversed skips the calls of a query if all their charges were reversed, so
// that the result says why nothing was compared.
func (d *Deps) explainReversed(ctx context.Context, r *rerater, q EntryQuery) error {
	if r.result.Compared > 0 {
		return nil
	}
	q.Live = false
	charges, err := d.entries(ctx, q)
	if err != nil {
		return err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return err
	}
	for charge, err := range charges {
		if err != nil {
			return err
		}
		entries, err := l.Get(ctx, charge.SDKAppID, charge.CallID())
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Reverses == charge.Key && ledger.Latest(entries).Key == e.Key {
				r.skip(e, fmt.Sprintf("its charge was reversed, by %s (%s); to charge it again: %s",
					e.Operator, e.Reason, shell.Command("aftercall ledger reverse --undo", e.CallID())))
			}
		}
	}
	return nil
}
