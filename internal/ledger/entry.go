package ledger

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// Entry is one line of the ledger.
type Entry struct {
	// Seq, Key, Kind, Revision, Reverses and CreatedAt are the ledger's to set.
	// Seq grows with every entry, with gaps.
	Seq      int64  `json:"seq"`
	Key      string `json:"key"`
	Kind     Kind   `json:"kind"`
	Revision int    `json:"revision"`
	// Reverses is the key of the charge that a reversal takes back.
	Reverses string `json:"reverses,omitempty"`
	// CreatedAt is when the entry was booked, in UTC, by the database's clock.
	CreatedAt time.Time `json:"created_at"`

	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// App is the configured name of the app, for people.
	App string `json:"app"`
	// Record is the call as the record API knows it. Its caller pays.
	Record tencent.CallRecord `json:"record"`
	Charge billing.Charge     `json:"charge"`
	// Differences are where the callback's data differed from the record.
	Differences []tencent.Difference `json:"differences,omitempty"`
	// WorkflowID and FirstRunID are of the workflow that booked the entry. The
	// first run ID stays the same over all runs of a workflow. A correction has
	// the WorkflowID of the call and, since no workflow booked it, no FirstRunID.
	WorkflowID string `json:"workflow_id"`
	FirstRunID string `json:"first_run_id"`
	// Reason and Operator say why a person booked the entry, and who. Both are
	// empty where no person was involved.
	Reason   string `json:"reason,omitempty"`
	Operator string `json:"operator,omitempty"`
}

// CallID is the call that the entry is about.
func (e Entry) CallID() string { return e.Record.CallID }

// Payer is the account that the call is charged to: the caller.
func (e Entry) Payer() string { return e.Record.Caller }

// Correction reports whether a person booked the entry to correct another.
func (e Entry) Correction() bool { return e.Kind == KindReversal || e.Revision > 1 }

// Live finds the charge that stands among all entries of a call: the one that
// was not reversed. There is at most one.
func Live(entries []Entry) (Entry, bool) {
	for _, e := range slices.Backward(entries) {
		if e.Kind == KindCharge && !slices.ContainsFunc(entries, func(r Entry) bool { return r.Reverses == e.Key }) {
			return e, true
		}
	}
	return Entry{}, false
}

// SameSum reports whether two entries bill the same seconds for the same money.
func (e Entry) SameSum(other Entry) bool {
	return e.Charge.Amount.Equal(other.Charge.Amount) && e.Charge.BilledSeconds == other.Charge.BilledSeconds
}

// Recompute charges the entry's call once more, by a tariff that may be another
// one, and as a person decided if one did. A call that must not be charged
// without a person gives a *billing.ReviewError.
func (e Entry) Recompute(rater *billing.Rater) (billing.Charge, error) {
	if decision := e.Charge.Decision(); decision != nil {
		return rater.Decide(e.Record, *decision)
	}
	// The record was read before the entry was made, by another clock.
	return rater.Rate(e.Record, e.CreatedAt.Add(billing.MaxClockSkew))
}

// validate refuses what could not be found or explained later.
func (e *Entry) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(e.SDKAppID > 0 && e.SDKAppID <= math.MaxInt64, "SDKAppID %d: must be that of a Tencent app", e.SDKAppID)
	if err := tencent.ValidateCallID("CallId", e.Record.CallID); err != nil {
		errs = append(errs, err)
	}
	check(e.Charge.Amount.CurrencyCode() != "", "Charge.Amount: has no currency, so it was not computed")
	check(!e.Charge.Amount.IsNegative(), "Charge.Amount: is negative")
	check(len(e.Charge.Tariff.Hash) == 64 && len(e.Charge.Tariff.Edition) > 0, "Charge.Tariff: is missing, so the sum could not be explained")
	check(e.WorkflowID != "" && (e.FirstRunID != "" || e.Correction()), "WorkflowID, FirstRunID: must name the workflow that charges")
	if len(errs) > 0 {
		return fmt.Errorf("ledger entry: %w", errors.Join(errs...))
	}
	return nil
}

// ConflictError says that the ledger holds another sum for a call than the one
// offered. Nothing was booked; a person must see which of the two is right.
type ConflictError struct {
	Stored, Offered Entry
}

// Error compares the two.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the ledger holds another sum for this call: %s is %s for %d s, booked by workflow %s (first run %s), but now it comes to %s for %d s (first run %s)",
		e.Stored.Key, e.Stored.Charge.Amount, e.Stored.Charge.BilledSeconds, e.Stored.WorkflowID, e.Stored.FirstRunID,
		e.Offered.Charge.Amount, e.Offered.Charge.BilledSeconds, e.Offered.FirstRunID)
}
