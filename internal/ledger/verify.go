package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// FindingKind says what a finding is about.
type FindingKind string

// The kinds of findings.
const (
	FindingEntry FindingKind = "entry"
	// FindingLog is about the log or a checkpoint of it, or an entry that is not there.
	FindingLog FindingKind = "log"
	// FindingSchema is about tables, constraints or triggers.
	FindingSchema FindingKind = "schema"
)

// Finding is one problem of the ledger. Key, SDKAppID and CallID are empty unless
// it is about an entry.
type Finding struct {
	Kind     FindingKind      `json:"kind"`
	Key      string           `json:"key"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	Problem  string           `json:"problem"`
}

// Verification is the result of Verify.
type Verification struct {
	Entries  int64 `json:"entries"`
	Findings int64 `json:"findings"`
	// Versions is the number of tariff versions that charges were made by.
	Versions int `json:"tariff_versions"`
	// Edited names the tariff versions that were edited in place: charges were made
	// by texts of them that charge differently. Each charge is still explained by its own text.
	Edited []string `json:"edited_in_place,omitempty"`
	// Totals are the sums by currency.
	Totals []Total `json:"-"`
	// Logged is the number of entries in the log, and Waiting of those that were
	// booked and are not in it yet.
	Logged  uint64 `json:"logged"`
	Waiting int64  `json:"waiting"`
	// Checkpoints is the number of checkpoints that the log was compared with.
	Checkpoints int `json:"checkpoints"`
}

// Verify checks every entry: a charge is computed again from the stored record, the
// stored tariff version and the decision of a person, if there was one; a reversal
// must be the negative of what it reverses; an adjustment must be of a call that is
// charged, and not lower its sum below zero unless it was forced; a call must have at most one charge in
// effect; keys must be unique and those that the entries must have; columns must be
// those of the record. Entries, log and checkpoints must agree, also with those of
// the evidence, and triggers and constraints must be there. It reads the ledger as it
// is at one moment, and holds one entry and a few batches of the log in memory. It
// calls found for each problem and, unless it is nil, progress after each entry with
// the number of entries so far. An error means that the ledger could not be read to
// its end; it is a *VersionError for tables of a later release.
func (l *Ledger) Verify(ctx context.Context, evidence Evidence, found func(Finding), progress func(entries int64)) (Verification, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	v := &verifier{
		found: found, progress: progress, sums: totals{},
		versions: map[string]json.RawMessage{}, raters: map[string]*restored{}, used: map[tariffUse]bool{}, texts: map[string]map[string]bool{},
	}
	err := l.snapshot(ctx, func(q querier) error {
		v.snapshot, v.log = q, newLogVerifier(l, q, v.reportKind)
		startLog := func(ctx context.Context) error { return v.log.start(ctx, evidence) }
		for _, step := range []func(context.Context) error{
			func(ctx context.Context) error { return l.requireOwnTables(ctx, q) },
			func(ctx context.Context) error { return v.schema(ctx, l.engine) },
			startLog, v.loadVersions, v.duplicates, v.entries, v.uses, v.log.end, v.log.closes, v.reversals, v.successors, v.adjustments,
		} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Verification{}, fmt.Errorf("ledger: verify: %w", err)
	}
	return v.result(), nil
}

type verifier struct {
	snapshot querier
	found    func(Finding)
	progress func(entries int64)
	seen     Verification
	sums     totals
	log      *logVerifier
	// versions are the JSON of the stored tariff versions by hash.
	versions map[string]json.RawMessage
	raters   map[string]*restored
	// used are the tariff versions of entries, by name and hash.
	used map[tariffUse]bool
	// texts are those of each version of a tariff that charge differently.
	texts map[string]map[string]bool
}

// restored is a stored tariff version that can charge, or the error why it cannot.
type restored struct {
	rater *billing.Rater
	err   error
}

func (v *verifier) report(e *Entry, format string, args ...any) {
	v.reportKind(FindingEntry, e, format, args...)
}

// reportKind is report for a finding that can be about no entry.
func (v *verifier) reportKind(kind FindingKind, e *Entry, format string, args ...any) {
	v.seen.Findings++
	f := Finding{Kind: kind, Problem: fmt.Sprintf(format, args...)}
	if e != nil {
		f.Key, f.SDKAppID, f.CallID = e.Key, e.SDKAppID, e.Record.CallID
	}
	v.found(f)
}

// loadVersions reads all tariff versions. There are few.
func (v *verifier) loadVersions(ctx context.Context) error {
	return each(ctx, v.snapshot, "SELECT hash, edition FROM ledger_tariffs", nil, func(scan func(...any) error) error {
		var hash string
		var version []byte
		err := scan(&hash, &version)
		v.versions[hash] = version
		return err
	})
}

// duplicates finds keys that are not unique, which the constraints of the database
// prevent.
func (v *verifier) duplicates(ctx context.Context) error {
	const query = "SELECT key, count(*) FROM ledger_entries GROUP BY key HAVING count(*) > 1"
	return each(ctx, v.snapshot, query, nil, func(scan func(...any) error) error {
		var key string
		var n int64
		if err := scan(&key, &n); err != nil {
			return err
		}
		v.report(&Entry{Key: key}, "there are %d entries with this key: the unique constraint is missing", n)
		return nil
	})
}

// entries checks all entries in the order in which they were booked.
func (v *verifier) entries(ctx context.Context) error {
	const query = "SELECT " + entryColumns + " FROM ledger_entries e ORDER BY e.seq"
	return each(ctx, v.snapshot, query, nil, func(scan func(...any) error) error {
		var r row
		if err := scan(r.columns()...); err != nil {
			return err
		}
		r.entry.Record.CallID = r.copied.callID
		if err := v.log.entry(ctx, &r); err != nil {
			return err
		}
		return v.entry(&r)
	})
}

func (v *verifier) entry(r *row) error {
	v.seen.Entries++
	v.progress(v.seen.Entries)
	e, err := r.decode()
	if err != nil {
		v.report(&e, "cannot be read: %v", err)
		return nil
	}
	if version, stored := v.versions[e.Charge.Tariff.Hash]; stored {
		e.Charge.Tariff.VersionJSON = version
		v.used[tariffUse{e.Charge.Tariff.Name, e.Charge.Tariff.Hash}] = true
	}
	if err := v.sums.add(nil, e.Kind, e.Charge.ConnectedSeconds, e.Charge.BilledSeconds, e.Charge.Amount); err != nil {
		return err
	}
	if key := e.key(); e.Key != key {
		v.report(&e, "its key must be %s", key)
	}
	if r.copied != recordColumnsOf(&e) {
		v.report(&e, "its columns differ from its record: %v, not %v", r.copied, recordColumnsOf(&e))
	}
	if e.Correction() {
		if err := (Correction{Reason: e.Reason, Operator: e.Operator}).Validate(); err != nil {
			v.report(&e, "is a correction, but %v", err)
		}
	}
	if e.Kind == KindCharge {
		v.sum(&e)
	}
	return nil
}

// sum computes a charge again and compares it with the stored one.
func (v *verifier) sum(e *Entry) {
	if _, stored := v.versions[e.Charge.Tariff.Hash]; !stored {
		v.report(e, "its tariff version is missing: the ledger holds none with the hash %s", e.Charge.Tariff.Hash)
		return
	}
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
		v.report(e, "its amount is %s, but its record and tariff give %s", e.Charge.Amount, again.Amount)
	case !again.SameSum(e.Charge):
		v.report(e, "its amount of %s is right, but its record and tariff give %d s connected, %d s billed, or other steps",
			again.Amount, again.ConnectedSeconds, again.BilledSeconds)
	}
}

// restore makes a Rater of a stored version, once for all entries.
func (v *verifier) restore(t billing.AppliedTariff) *restored {
	version := t.Name + ", version of " + t.EffectiveFrom.Format(time.RFC3339)
	key := version + "\n" + t.Hash
	if known := v.raters[key]; known != nil {
		return known
	}
	plain, err := billing.PlainEdition(t.VersionJSON)
	if err != nil {
		plain = string(t.VersionJSON)
	}
	if v.texts[version] == nil {
		v.texts[version] = map[string]bool{}
	}
	v.texts[version][plain] = true
	rater, err := t.Restore()
	v.raters[key] = &restored{rater: rater, err: err}
	return v.raters[key]
}

func (v *verifier) result() Verification {
	v.seen.Versions = len(v.raters)
	v.seen.Totals = v.sums.sorted()
	v.seen.Logged, v.seen.Waiting, v.seen.Checkpoints = v.log.size, v.log.waiting, v.log.compared
	for version, texts := range v.texts {
		if len(texts) > 1 {
			v.seen.Edited = append(v.seen.Edited, "tariff "+version)
		}
	}
	slices.Sort(v.seen.Edited)
	return v.seen
}
