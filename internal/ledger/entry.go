package ledger

import (
	"errors"
	"fmt"
	"math"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// Entry is one line of the ledger.
type Entry struct {
	// Seq, Key, Kind, Revision, Reverses and CreatedAt are set by the ledger. Seq
	// grows with every entry, with gaps. Revision is the number of a charge or
	// adjustment, and in a reversal that of what it reverses.
	Seq      int64  `json:"seq"`
	Key      string `json:"key"`
	Kind     Kind   `json:"kind"`
	Revision int    `json:"revision"`
	// Reverses is the key of the charge or adjustment that a reversal reverses.
	Reverses string `json:"reverses,omitempty"`
	// CreatedAt is when the entry was booked, in UTC, by the database's clock.
	CreatedAt time.Time `json:"created_at"`

	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// App is the configured name of the app when the entry was booked, for people.
	App string `json:"app"`
	// Record is the record of the call. Its caller pays, unless the charge says who.
	Record tencent.CallRecord `json:"record"`
	Charge billing.Charge     `json:"charge"`
	// Differences are where the callback's data differed from the record.
	Differences []tencent.Difference `json:"differences,omitempty"`
	// WorkflowID and FirstRunID are those of the workflow that booked the entry. The
	// first run ID is the same for all runs of a workflow. A correction, which no
	// workflow booked, has the WorkflowID of the call and no FirstRunID.
	WorkflowID string `json:"workflow_id"`
	FirstRunID string `json:"first_run_id"`
	// Reason and Operator are why a person corrected the entry or decided its review,
	// and who. Both are empty if no person was involved.
	Reason   string `json:"reason,omitempty"`
	Operator string `json:"operator,omitempty"`
}

// CallID is the call that the entry is about.
func (e Entry) CallID() string { return e.Record.CallID }

// Payer is the account that the call is charged to: the caller, unless a rule of the app
// or a person has said who pays. Free calls whose rule gave no account are their caller's.
func (e Entry) Payer() string {
	if payer := e.Charge.Payer(); payer != nil && payer.Account != "" {
		return payer.Account
	}
	return e.Record.Caller
}

// HasPayer reports whether it is known who pays for the call if it costs something.
func (e Entry) HasPayer() bool {
	if payer := e.Charge.Payer(); payer != nil {
		return payer.Account != ""
	}
	return e.Record.Caller != ""
}

// PayerColumn is an account as filters and reports know it: without NUL and invalid
// UTF-8, which a database does not store in a column.
func PayerColumn(account string) string { return text(account) }

// Correction reports whether a person booked the entry to correct another.
func (e Entry) Correction() bool { return e.Kind != KindCharge || e.Revision > 1 }

// SameSum reports whether two entries have the same amount and billed seconds.
func (e Entry) SameSum(other Entry) bool {
	return e.Charge.Amount.Equal(other.Charge.Amount) && e.Charge.BilledSeconds == other.Charge.BilledSeconds
}

// Recompute charges the call of the entry again, by the same or another tariff, to the
// same payer, and with the evidence and the decision of a person if there were any. A
// call that must not be charged without review gives a *billing.ReviewError. The charge
// has the evidence of the entry, also if it is not made from it.
func (e Entry) Recompute(rater *billing.Rater) (billing.Charge, error) {
	charge, err := e.recompute(rater)
	if err != nil {
		return billing.Charge{}, err
	}
	charge.Evidence = e.Charge.Evidence
	return charge, nil
}

func (e Entry) recompute(rater *billing.Rater) (billing.Charge, error) {
	rater, err := rater.PaidAs(e.Charge.Payer())
	if err != nil {
		return billing.Charge{}, err
	}
	if how := e.Charge.Unrecorded(); how != "" {
		_, charge, err := rater.RateUnrecorded(how, e.Record, e.CreatedAt.Add(billing.MaxClockSkew), e.Charge.Evidence...)
		return charge, err
	}
	if decision := e.Charge.Decision(); decision != nil {
		return rater.Decide(e.Record, *decision, e.Charge.Evidence...)
	}
	// The record was read before the entry was made, by another clock.
	return rater.Rate(e.Record, e.CreatedAt.Add(billing.MaxClockSkew), e.Charge.Evidence...)
}

// validate reports what would make an entry impossible to find or to explain later.
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
	check(e.Kind != KindCharge || !e.Charge.Amount.IsNegative(), "Charge.Amount: is negative")
	check(len(e.Charge.Tariff.Hash) == 64 && len(e.Charge.Tariff.VersionJSON) > 0, "Charge.Tariff: is missing, so the sum could not be explained")
	check(e.WorkflowID != "" && (e.FirstRunID != "" || e.Correction()), "WorkflowID, FirstRunID: must name the workflow that charges")
	if len(errs) > 0 {
		return fmt.Errorf("ledger entry: %w", errors.Join(errs...))
	}
	return nil
}

// ConflictError is returned if the ledger holds another sum for a call than the one
// offered. Nothing was booked; a person must find out which of the two is right.
type ConflictError struct {
	Stored, Offered Entry
}

// Error names both sums.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the ledger holds another sum for this call: %s is %s for %d s, booked by workflow %s (first run %s), but now it is %s for %d s (first run %s)",
		e.Stored.Key, e.Stored.Charge.Amount, e.Stored.Charge.BilledSeconds, e.Stored.WorkflowID, e.Stored.FirstRunID,
		e.Offered.Charge.Amount, e.Offered.Charge.BilledSeconds, e.Offered.FirstRunID)
}
