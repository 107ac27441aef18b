package ops

import (
	"context"
	"errors"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// VerifyParams say what is verified.
type VerifyParams struct {
	// Records compares the ledger with Tencent's call records, too.
	Records bool
	// Checkpoints are files with checkpoints that were kept outside the ledger.
	Checkpoints []string
	// Keys are public keys that signed checkpoints, besides the configured key.
	Keys []string
	// Limit is how many problems are returned; all are counted.
	Limit int
	// Progress is called with the number of entries after each; it may be nil.
	Progress func(entries int64)
}

// Verification is the result of verifying the ledger.
type Verification struct {
	Entries int64 `json:"entries"`
	// Problems counts what is wrong in the ledger, without what differs from
	// Tencent's records.
	Problems       int64 `json:"problems"`
	TariffVersions int   `json:"tariff_versions"`
	// EditedInPlace names tariff versions whose text was changed after calls had
	// been charged by it.
	EditedInPlace []string `json:"edited_in_place"`
	// Logged is the number of entries in the log, and Waiting of those that are not
	// in it yet. Checkpoints is how many the log was compared with.
	Logged      uint64    `json:"logged"`
	Waiting     int64     `json:"waiting"`
	Checkpoints int       `json:"checkpoints"`
	Totals      []Total   `json:"totals"`
	Found       []Problem `json:"found"`
	// Records has one element for each configured app, if it was asked for.
	Records []RecordAudit `json:"records"`
}

// ProblemKind says what a problem is.
type ProblemKind string

// The kinds of problems.
const (
	// ProblemEntry: an entry of the ledger is wrong.
	ProblemEntry = ProblemKind(ledger.FindingEntry)
	// ProblemLog: the log differs from its checkpoints, or holds an entry that was
	// removed.
	ProblemLog = ProblemKind(ledger.FindingLog)
	// ProblemSchema: a table, constraint or trigger is not as it must be.
	ProblemSchema = ProblemKind(ledger.FindingSchema)
	// ProblemMissing: Tencent has a record, the ledger has no entry.
	ProblemMissing ProblemKind = "missing"
	// ProblemExtra: the ledger has an entry, Tencent has no record.
	ProblemExtra ProblemKind = "extra"
	// ProblemDifferent: the record in the ledger is not Tencent's.
	ProblemDifferent ProblemKind = "different"
)

// Problem is something that is wrong with an entry or a call.
type Problem struct {
	Kind     ProblemKind      `json:"kind"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Key is empty unless the problem is about one entry.
	Key     string `json:"key"`
	Problem string `json:"problem"`
}

// AllProblems are those of the ledger, then those of each app's records.
func (v *Verification) AllProblems() []Problem {
	all := v.Found[:len(v.Found):len(v.Found)]
	for _, r := range v.Records {
		all = append(all, r.Found...)
	}
	return all
}

// Verify computes every entry again and, if wanted, compares the ledger with
// Tencent's records. Nothing is changed. A ledger that is not in order, or could
// not be compared with all records, is an error; the result is returned with it.
func (d *Deps) Verify(ctx context.Context, p VerifyParams) (*Verification, error) {
	if p.Limit < 0 {
		return nil, Errorf(Usage, "", "--limit: must be 0 or more")
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	if p.Records {
		if _, err := d.Config(); err != nil {
			return nil, err
		}
	}
	evidence, err := d.evidence(p)
	if err != nil {
		return nil, err
	}
	v := &Verification{Found: []Problem{}, EditedInPlace: []string{}, Records: []RecordAudit{}}
	verified, err := l.Verify(ctx, evidence, func(f ledger.Finding) {
		if len(v.Found) < p.Limit {
			v.Found = append(v.Found, Problem{Kind: ProblemKind(f.Kind), SDKAppID: f.SDKAppID, CallID: f.CallID, Key: f.Key, Problem: f.Problem})
		}
	}, p.Progress)
	if err != nil {
		return nil, err
	}
	v.Entries, v.Problems, v.TariffVersions = verified.Entries, verified.Findings, verified.Versions
	v.EditedInPlace = append(v.EditedInPlace, verified.Edited...)
	v.Logged, v.Waiting, v.Checkpoints = verified.Logged, verified.Waiting, verified.Checkpoints
	v.Totals = newTotals(nil, verified.Totals)
	var incomplete error
	if p.Records {
		if v.Records, incomplete = d.auditRecords(ctx, l); incomplete != nil && !errors.As(incomplete, new(*incompleteAuditError)) {
			return nil, incomplete
		}
	}
	return v, v.check(incomplete)
}

// check returns the error of a ledger that is not in order, or not compared
// with all records.
func (v *Verification) check(incomplete error) error {
	deviations := 0
	for _, r := range v.Records {
		deviations += r.Missing + r.Extra + r.Different
	}
	switch {
	case v.Problems > 0 || deviations > 0:
		return Errorf(Refused, "", "the ledger is not in order: %d problems in it, %d deviations from Tencent's records", v.Problems, deviations)
	case incomplete != nil:
		return &Error{Kind: Incomplete, Err: incomplete}
	}
	return nil
}
