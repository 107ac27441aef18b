package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	"aftercall/internal/evidence"
)

// NoRecord are the details of RecordNeverAppeared where the app charges calls without a
// record.
type NoRecord struct {
	Charge billing.Unrecorded `json:"charge"`
}

// neverAppeared ends the wait for a record. how is what becomes of the call.
func neverAppeared(err error, how billing.Unrecorded) error {
	options := temporal.ApplicationErrorOptions{NonRetryable: true}
	if how == billing.UnrecordedEvidence || how == billing.UnrecordedFree {
		options.Details = []any{NoRecord{how}}
	}
	return temporal.NewApplicationErrorWithOptions(
		"no record of this call until the record deadline: it is older than seven days, of another region, or never existed: "+err.Error(),
		RecordNeverAppeared, options)
}

// ChargedWithoutRecord is how a call is charged whose record has failed to appear; empty
// if a person must decide. It is in the history, so that a workflow goes on as it began.
func ChargedWithoutRecord(err error) billing.Unrecorded {
	var appErr *temporal.ApplicationError
	if !errors.As(err, &appErr) || appErr.Type() != RecordNeverAppeared || !appErr.HasDetails() {
		return ""
	}
	var details NoRecord
	if appErr.Details(&details) != nil {
		return ""
	}
	return details.Charge
}

// errSharedRoom is a review: what the room saw may be about the other call.
var errSharedRoom = &billing.ReviewError{Reasons: []billing.Reason{{
	Code: billing.ReasonUnwitnessed, Text: "another call was started in its room at that time",
}}}

// sharesRoom reports whether there are events of another call.
func sharesRoom(events []evidence.Event, callID string) bool {
	for _, e := range events {
		if e.CallID != "" && e.CallID != callID {
			return true
		}
	}
	return false
}
