package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// Finding is something about an entry that is not as it should be.
type Finding struct {
	Key      string           `json:"key"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	Problem  string           `json:"problem"`
}

// Verification is what a verification saw.
type Verification struct {
	Entries  int64 `json:"entries"`
	Findings int64 `json:"findings"`
	// Versions are how many tariff versions charges were made by.
	Versions int `json:"tariff_versions"`
	// Edited names versions of tariffs that were edited in place: charges were
	// made by more than one text of them. Each charge is still explained.
	Edited []string `json:"edited_in_place,omitempty"`
	// Totals are the sums of each currency.
	Totals []Total `json:"-"`
}

// Verify checks every entry: its charge is computed again from the stored
// record and the stored version of the tariff (and what a person decided); a
// reversal is the negative of its charge; a call has at most one charge that
// stands; keys are those that the entry must have, and unique; columns say what
// the record says. It holds one entry at a time, however many there are, and
// calls found for each thing that is not as it should be, and progress, unless
// it is nil, with the number of entries seen after each.
func (l *Ledger) Verify(ctx context.Context, found func(Finding), progress func(entries int64)) (Verification, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	v := &verifier{
		ledger: l, found: found, progress: progress, sums: totals{},
		editions: map[string]json.RawMessage{}, raters: map[string]*restored{}, texts: map[string][]string{},
	}
	for _, step := range []func(context.Context) error{v.loadEditions, v.duplicates, v.entries} {
		if err := step(ctx); err != nil {
			return Verification{}, fmt.Errorf("ledger: verify: %w", err)
		}
	}
	return v.result(), nil
}

type verifier struct {
	ledger   *Ledger
	found    func(Finding)
	progress func(entries int64)
	seen     Verification
	sums     totals
	// editions are the stored tariff versions by hash.
	editions map[string]json.RawMessage
	raters   map[string]*restored
	// texts are the hashes of each version of a tariff.
	texts map[string][]string
}

// restored is a stored tariff version ready to charge, or why it is not.
type restored struct {
	rater *billing.Rater
	err   error
}

func (v *verifier) report(e *Entry, format string, args ...any) {
	v.seen.Findings++
	v.found(Finding{Key: e.Key, SDKAppID: e.SDKAppID, CallID: e.Record.CallID, Problem: fmt.Sprintf(format, args...)})
}

// loadEditions reads the tariff versions, of which there are few.
func (v *verifier) loadEditions(ctx context.Context) error {
	return v.ledger.each(ctx, "SELECT hash, edition FROM ledger_tariffs", nil, func(scan func(...any) error) error {
		var hash string
		var edition []byte
		err := scan(&hash, &edition)
		v.editions[hash] = edition
		return err
	})
}

// duplicates are impossible while the database has its constraints.
func (v *verifier) duplicates(ctx context.Context) error {
	const query = "SELECT key, count(*) FROM ledger_entries GROUP BY key HAVING count(*) > 1"
	return v.ledger.each(ctx, query, nil, func(scan func(...any) error) error {
		var key string
		var n int64
		if err := scan(&key, &n); err != nil {
			return err
		}
		v.report(&Entry{Key: key}, "there are %d entries with this key: the unique constraint is missing", n)
		return nil
	})
}

// entries checks one after the other, in the order in which they were booked.
func (v *verifier) entries(ctx context.Context) error {
	const query = "SELECT " + entryColumns + " FROM ledger_entries e ORDER BY e.seq"
	return v.ledger.each(ctx, query, nil, func(scan func(...any) error) error {
		var r row
		if err := scan(r.columns()...); err != nil {
			return err
		}
		return v.entry(ctx, &r)
	})
}

func (v *verifier) entry(ctx context.Context, r *row) error {
	v.seen.Entries++
	v.progress(v.seen.Entries)
	e, err := r.decode()
	if err != nil {
		e.Record.CallID = r.copied.callID
		v.report(&e, "cannot be read: %v", err)
		return nil
	}
	e.Charge.Tariff.Edition = v.editions[e.Charge.Tariff.Hash]
	if err := v.sums.add("", e.Kind, e.Charge.ConnectedSeconds, e.Charge.BilledSeconds, e.Charge.Amount); err != nil {
		return err
	}
	if key := Key(e.Kind, e.Revision, e.SDKAppID, e.Record.CallID); e.Key != key {
		v.report(&e, "its key must be %s", key)
	}
	if r.copied != copiedOf(&e.Record) {
		v.report(&e, "its columns differ from its record: %v, not %v", r.copied, copiedOf(&e.Record))
	}
	if e.Correction() {
		if err := (Correction{Reason: e.Reason, Operator: e.Operator}).Validate(); err != nil {
			v.report(&e, "is a correction, but %v", err)
		}
	}
	if e.Kind == KindReversal {
		return v.reversal(ctx, &e)
	}
	v.sum(&e)
	if e.Revision > 1 {
		return v.successor(ctx, &e)
	}
	return nil
}

// sum computes a charge again.
func (v *verifier) sum(e *Entry) {
	tariff := v.restore(e.Charge.Tariff)
	if tariff.err != nil {
		v.report(e, "%v", tariff.err)
		return
	}
	again, err := e.Recompute(tariff.rater)
	switch {
	case err != nil:
		v.report(e, "cannot be charged again: %v", err)
	case !again.Amount.Equal(e.Charge.Amount):
		v.report(e, "its sum comes to %s, not %s", again.Amount, e.Charge.Amount)
	case !again.SameSum(e.Charge):
		v.report(e, "its sum of %s comes about in another way: connected %d s and billed %d s, or the steps differ",
			again.Amount, again.ConnectedSeconds, again.BilledSeconds)
	}
}

// restore makes a stored version chargeable, once.
func (v *verifier) restore(t billing.AppliedTariff) *restored {
	version := t.Name + ", version of " + t.EffectiveFrom.Format(time.RFC3339)
	key := version + "\n" + t.Hash
	if known := v.raters[key]; known != nil {
		return known
	}
	v.texts[version] = append(v.texts[version], t.Hash)
	rater, err := t.Restore()
	v.raters[key] = &restored{rater: rater, err: err}
	return v.raters[key]
}

// reversal checks that a reversal is the negative of its charge.
func (v *verifier) reversal(ctx context.Context, e *Entry) error {
	charge, err := scanEntry(v.ledger.read.QueryRowContext(ctx, selectEntries+"WHERE e.key = $1", e.Reverses).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		v.report(e, "reverses %s, which is not there", e.Reverses)
		return nil
	}
	if err != nil {
		v.report(e, "reverses %s, which cannot be read", e.Reverses)
		return ctx.Err()
	}
	if want := Key(KindCharge, e.Revision, e.SDKAppID, e.Record.CallID); e.Reverses != want {
		v.report(e, "reverses %s, but must reverse %s", e.Reverses, want)
	}
	want, err := charge.Charge.Reversal(charge.Key)
	if err != nil {
		return err
	}
	if !want.SameSum(e.Charge) || want.Tariff.Hash != e.Charge.Tariff.Hash {
		v.report(e, "is %s, but its charge was %s: it must be %s, by the same tariff and seconds", e.Charge.Amount, charge.Charge.Amount, want.Amount)
	}
	return nil
}

// successor checks that the charge before a corrected one was taken back. With
// it, of all charges of a call only the last one can stand.
func (v *verifier) successor(ctx context.Context, e *Entry) error {
	before := Key(KindCharge, e.Revision-1, e.SDKAppID, e.Record.CallID)
	var one int
	err := v.ledger.read.QueryRowContext(ctx, "SELECT 1 FROM ledger_entries WHERE reverses = $1", before).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		v.report(e, "stands beside %s, which was not reversed: the call is charged twice", before)
		return nil
	}
	return err
}

func (v *verifier) result() Verification {
	v.seen.Versions = len(v.raters)
	v.seen.Totals = v.sums.sorted()
	for version, hashes := range v.texts {
		if len(hashes) > 1 {
			v.seen.Edited = append(v.seen.Edited, "tariff "+version)
		}
	}
	slices.Sort(v.seen.Edited)
	return v.seen
}
