package ledger

import (
	"context"
	"strings"
)

// reversals checks that every reversal is the negative of its charge or adjustment.
func (v *verifier) reversals(ctx context.Context) error {
	const lost = `SELECT e.key, e.sdk_app_id, e.call_id, COALESCE(e.reverses, '') FROM ledger_entries e
WHERE e.kind = 'reversal' AND NOT EXISTS (SELECT 1 FROM ledger_entries c WHERE c.key = e.reverses) ORDER BY e.seq`
	err := each(ctx, v.snapshot, lost, nil, func(scan func(...any) error) error {
		var e Entry
		if err := scan(&e.Key, (*uint64)(&e.SDKAppID), &e.Record.CallID, &e.Reverses); err != nil {
			return err
		}
		v.report(&e, "reverses %s, which does not exist", e.Reverses)
		return nil
	})
	if err != nil {
		return err
	}
	query := "SELECT " + entryColumns + ", " + strings.ReplaceAll(entryColumns, "e.", "c.") +
		" FROM ledger_entries e JOIN ledger_entries c ON c.key = e.reverses WHERE e.kind = 'reversal' ORDER BY e.seq"
	return each(ctx, v.snapshot, query, nil, func(scan func(...any) error) error {
		var reversal, charge row
		if err := scan(append(reversal.columns(), charge.columns()...)...); err != nil {
			return err
		}
		return v.reversal(&reversal, &charge)
	})
}

func (v *verifier) reversal(reversal, reversed *row) error {
	e, err := reversal.decode()
	if err != nil {
		return nil //nolint:nilerr // reported with its entry
	}
	charge, err := reversed.decode()
	if err != nil {
		v.report(&e, "reverses %s, which cannot be read", e.Reverses)
		return nil //nolint:nilerr // as above
	}
	if want := e.reversedKey(); e.Reverses != want {
		v.report(&e, "reverses %s, but must reverse %s", e.Reverses, want)
	}
	want, err := charge.Charge.Reversal(charge.Key)
	if err != nil {
		return err
	}
	if e.Charge.Forced() {
		want = want.Force()
	}
	if !want.SameSum(e.Charge) || want.Tariff.Hash != e.Charge.Tariff.Hash {
		v.report(&e, "is %s, but its %s was %s: it must be %s, by the same tariff and seconds", e.Charge.Amount, charge.Kind, charge.Charge.Amount, want.Amount)
	}
	return nil
}

// successors checks that the charge before a corrected one was reversed, so that only
// the last charge of a call can be in effect.
func (v *verifier) successors(ctx context.Context) error {
	// See Key: what is in brackets is the key of the charge before.
	const query = `SELECT e.key, e.revision, e.sdk_app_id, e.call_id FROM ledger_entries e
WHERE e.kind = 'charge' AND e.revision > 1 AND NOT EXISTS (SELECT 1 FROM ledger_entries r WHERE r.reverses =
  ('charge' || CASE WHEN e.revision > 2 THEN '.' || (e.revision - 1) ELSE '' END || ':' || e.sdk_app_id || ':' || e.call_id))
ORDER BY e.seq`
	return each(ctx, v.snapshot, query, nil, func(scan func(...any) error) error {
		var e Entry
		if err := scan(&e.Key, &e.Revision, (*uint64)(&e.SDKAppID), &e.Record.CallID); err != nil {
			return err
		}
		v.report(&e, "replaces %s, which was not reversed: the call is charged twice", Key(KindCharge, e.Revision-1, e.SDKAppID, e.Record.CallID))
		return nil
	})
}
