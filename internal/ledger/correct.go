package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aftercall/internal/billing"
)

// Correction is why a person corrects the ledger, and who. Both are required, and
// kept in the entry.
type Correction struct {
	Reason, Operator string
}

// Validate reports what is missing.
func (c Correction) Validate() error {
	var errs []error
	if strings.TrimSpace(c.Operator) == "" {
		errs = append(errs, errors.New("operator: is missing: say who corrects the ledger"))
	}
	if strings.TrimSpace(c.Reason) == "" {
		errs = append(errs, errors.New("reason: is missing: say why"))
	}
	return errors.Join(errs...)
}

// CorrectedError is returned for a charge that was corrected before in another way.
// Nothing was booked.
type CorrectedError struct {
	// Key is the key of the charge that was to be corrected. Entries are all entries
	// of its call.
	Key     string
	Entries []Entry
}

// Error names the operator of the earlier correction, the reason, and what the call
// is charged now.
func (e *CorrectedError) Error() string {
	problem := e.Key + " was corrected before"
	for _, entry := range e.Entries {
		if entry.Reverses == e.Key {
			problem = fmt.Sprintf("%s was reversed before, by %s (%s)", e.Key, entry.Operator, entry.Reason)
		}
	}
	if live, ok := Live(e.Entries); ok {
		return fmt.Sprintf("%s, and the call is now charged %s by %s", problem, live.Charge.Amount, live.Key)
	}
	return problem + ": look at the call again"
}

// ErrNoCharge is returned for a key that no charge has.
var ErrNoCharge = errors.New("there is no such charge")

// Reverse books the negative of the charge with the key, once: inserted is false
// if the charge was reversed before, and stored is that earlier reversal. If another
// charge replaced it and counts, the error is a *CorrectedError. A key that no charge
// has is ErrNoCharge.
func (l *Ledger) Reverse(ctx context.Context, key string, c Correction) (stored Entry, inserted bool, err error) {
	reversal, err := l.reversal(ctx, key, c)
	if err != nil {
		return Entry{}, false, err
	}
	if stored, inserted, err = insert(ctx, l.write, reversal); err != nil || inserted {
		return stored, inserted, err
	}
	entries, err := entriesOf(ctx, l.write, reversal.SDKAppID, reversal.CallID())
	if err != nil {
		return Entry{}, false, err
	}
	if _, charged := Live(entries); charged {
		return Entry{}, false, &CorrectedError{Key: key, Entries: entries}
	}
	stored, err = l.byKey(ctx, reversal.Key)
	return stored, false, err
}

// Replacement is a corrected charge: the reversal of the old charge, and the new
// charge.
type Replacement struct {
	Reversal, Charge Entry
}

// Replace books the reversal of the charge with the key, and another charge of the
// same record in its place, both in one transaction, once: inserted is false if
// the same sum replaced the charge before, and r is that earlier replacement. If
// the charge was corrected in another way, the error is a *CorrectedError. A key
// that no charge has is ErrNoCharge.
func (l *Ledger) Replace(ctx context.Context, key string, charge billing.Charge, c Correction) (r Replacement, inserted bool, err error) {
	if r.Reversal, err = l.reversal(ctx, key, c); err != nil {
		return Replacement{}, false, err
	}
	r.Charge = r.Reversal
	r.Charge.Kind, r.Charge.Reverses, r.Charge.Charge = KindCharge, "", charge
	r.Charge.Revision++
	r.Charge.Key = Key(r.Charge.Kind, r.Charge.Revision, r.Charge.SDKAppID, r.Charge.CallID())
	if err := r.Charge.validate(); err != nil {
		return Replacement{}, false, err
	}
	if err := l.storeTariff(ctx, &r.Charge); err != nil {
		return Replacement{}, false, err
	}
	booked, inserted, err := l.insertReplacement(ctx, r)
	if err != nil || inserted {
		return booked, inserted, err
	}
	return l.replaced(ctx, r)
}

// reversal is the entry that reverses the charge with the key, not yet booked.
func (l *Ledger) reversal(ctx context.Context, key string, c Correction) (Entry, error) {
	if err := c.Validate(); err != nil {
		return Entry{}, err
	}
	charge, err := l.byKey(ctx, key)
	if err != nil {
		return Entry{}, err
	}
	if charge.Kind != KindCharge {
		return Entry{}, fmt.Errorf("%w: %s is a %s, and only a charge can be corrected", ErrNoCharge, key, charge.Kind)
	}
	r := charge
	if r.Charge, err = charge.Charge.Reversal(charge.Key); err != nil {
		return Entry{}, err
	}
	r.Kind, r.Reverses = KindReversal, charge.Key
	r.Key = Key(r.Kind, r.Revision, r.SDKAppID, r.CallID())
	r.FirstRunID, r.Differences, r.Reason, r.Operator = "", nil, c.Reason, c.Operator
	return r, nil
}

// insertReplacement inserts both entries or none.
func (l *Ledger) insertReplacement(ctx context.Context, r Replacement) (booked Replacement, inserted bool, err error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return r, false, fmt.Errorf("ledger: correct: %w", err)
	}
	defer func() {
		if !inserted {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if booked.Reversal, inserted, err = insert(ctx, tx, r.Reversal); err != nil || !inserted {
		return r, false, err
	}
	if booked.Charge, inserted, err = insert(ctx, tx, r.Charge); err != nil || !inserted {
		return r, false, err
	}
	if err := tx.Commit(); err != nil {
		return r, true, fmt.Errorf("ledger: correct: %w", err)
	}
	return booked, true, nil
}

// replaced finds the replacement that was booked before, if it has the same sum as
// the one offered.
func (l *Ledger) replaced(ctx context.Context, offered Replacement) (Replacement, bool, error) {
	entries, err := entriesOf(ctx, l.write, offered.Charge.SDKAppID, offered.Charge.CallID())
	if err != nil {
		return Replacement{}, false, err
	}
	var r Replacement
	for _, e := range entries {
		switch e.Key {
		case offered.Reversal.Key:
			r.Reversal = e
		case offered.Charge.Key:
			r.Charge = e
		}
	}
	if r.Charge.Key == "" || !r.Charge.SameSum(offered.Charge) {
		return Replacement{}, false, &CorrectedError{Key: offered.Reversal.Reverses, Entries: entries}
	}
	return r, false, nil
}
