package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"aftercall/internal/billing"
)

// Correction is why a person corrects the ledger, and who. Both are required, and
// kept in the entries.
type Correction struct {
	Reason, Operator string
	// Force lets the sum of a call go below zero.
	Force bool
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

// correcting is a correction of one call in progress. No other correction of the call
// is booked meanwhile.
type correcting struct {
	tx     querier
	signed Correction
	// entries are all of the call, with those that are booked by this correction.
	entries []Entry
}

// correct calls book for the call of an entry, in a transaction that no other
// correction of the call overlaps: what book finds in the entries holds until all that
// it books is there. After an error nothing is booked.
func (l *Ledger) correct(ctx context.Context, of Entry, signed Correction, book func(*correcting) error) (err error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: correct: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if l.engine.lockCall != "" {
		if _, err := tx.ExecContext(ctx, l.engine.lockCall, lockOf(of)); err != nil {
			return fmt.Errorf("ledger: wait for other corrections of the call: %w", err)
		}
	}
	c := &correcting{tx: tx, signed: signed}
	if c.entries, err = entriesOf(ctx, tx, of.SDKAppID, of.CallID()); err != nil {
		return err
	}
	if err := book(c); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("ledger: correct: %w", err)
	}
	return nil
}

// lockOf is the number by which the call of an entry is locked. That two calls have
// the same costs only time.
func lockOf(e Entry) int32 {
	hash := sha256.Sum256([]byte(e.SDKAppID.String() + ":" + e.CallID()))
	return int32(binary.BigEndian.Uint32(hash[:])) //nolint:gosec // all bits are used
}

// book books an entry, signed by the correction.
func (c *correcting) book(ctx context.Context, e Entry) (Entry, error) {
	e.Key = e.key()
	e.FirstRunID, e.Differences, e.Reason, e.Operator = "", nil, c.signed.Reason, c.signed.Operator
	if err := e.validate(); err != nil {
		return Entry{}, err
	}
	stored, inserted, err := insert(ctx, c.tx, e)
	switch {
	case err != nil:
		return Entry{}, err
	case !inserted: // by a release that does not lock the call
		return Entry{}, fmt.Errorf("ledger: %s was booked meanwhile: look at the call again", e.Key)
	}
	c.entries = append(c.entries, stored)
	return stored, nil
}

// reverse books the reversal of an entry.
func (c *correcting) reverse(ctx context.Context, e Entry, force bool) (Entry, error) {
	r := e
	var err error
	if r.Charge, err = e.Charge.Reversal(e.Key); err != nil {
		return Entry{}, err
	}
	if force {
		r.Charge = r.Charge.Force()
	}
	r.Kind, r.Reverses = KindReversal, e.Key
	return c.book(ctx, r)
}

// charge books the charge of the next revision.
func (c *correcting) charge(ctx context.Context, after Entry, charge billing.Charge) (Entry, error) {
	e := after
	e.Kind, e.Reverses, e.Charge = KindCharge, "", charge
	e.Revision++
	return c.book(ctx, e)
}

// byKey finds an entry of the call.
func (c *correcting) byKey(key string) (Entry, bool) {
	for _, e := range c.entries {
		if e.Key == key {
			return e, true
		}
	}
	return Entry{}, false
}

// reversalOf finds the reversal of an entry.
func (c *correcting) reversalOf(key string) (Entry, bool) {
	for _, e := range c.entries {
		if e.Reverses == key {
			return e, true
		}
	}
	return Entry{}, false
}
