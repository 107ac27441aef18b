package workflows

import (
	"errors"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// useReadableFields makes a review use what could be read of a record, if that is
// why the step failed. The fields that could not be read stay those of the hint.
func (c *call) useReadableFields(ctx workflow.Context, r *review, cause error) bool {
	var appErr *temporal.ApplicationError
	if !errors.As(cause, &appErr) || appErr.Type() != activities.RecordUnreadable {
		return false
	}
	var unreadable activities.UnreadableRecord
	if err := appErr.Details(&unreadable); err != nil {
		workflow.GetLogger(ctx).Error("what could be read of the record is lost: the details of the failure cannot be decoded", "error", err)
		unreadable.Problems = []tencent.FieldError{{Field: "CallRecord", Problem: "cannot be read"}}
	}
	record := unreadable.Record
	for _, problem := range unreadable.Problems {
		copyField(&record, r.record, problem.Field)
	}
	if r.endUnknown = record.EndTime == 0; r.endUnknown { // so that a waived call has a month
		record.EndTime = workflow.Now(ctx).Unix()
	}
	record.CallID = c.params.CallID
	r.Claimed = nil
	r.record, r.Unreadable, r.Raw = record, unreadable.Problems, unreadable.Raw
	c.status.Record = newRecordStatus(unreadable.Record, nil)
	return true
}

// copyField copies the field with the given JSON key, or all if the key is that of
// a whole record or answer.
func copyField(to *tencent.CallRecord, from tencent.CallRecord, field string) {
	switch fieldName(field) {
	case "Caller_Account":
		to.Caller = from.Caller
	case "MediaType":
		to.MediaType = from.MediaType
	case "CallType":
		to.CallType = from.CallType
	case "StartTime":
		to.StartTime = from.StartTime
	case "EndTime":
		to.EndTime = from.EndTime
	case "AcceptTime":
		to.AcceptTime = from.AcceptTime
	case "CallResult":
		to.Result = from.Result
	case "CalleeList_Account":
		if len(from.Members) > 0 {
			to.Members = from.Members
		}
	case "RoomId":
		to.RoomID = from.RoomID
	case "RoomIdType":
		to.RoomIDType = from.RoomIDType
	case "CallRecord", "Response":
		*to = from
	}
}

// fieldName is a field without the index of a member.
func fieldName(field string) string {
	name, _, _ := strings.Cut(field, "[")
	return name
}

// checkReadable returns an error if a decision is to charge the record as it is,
// and a field that the charge depends on could not be read.
func (r *review) checkReadable(d DecideParams) error {
	if d.Verdict != billing.VerdictCharge {
		return nil
	}
	var missing []string
	for _, problem := range r.Unreadable {
		name := fieldName(problem.Field)
		switch name {
		case "StartTime", "RoomId", "RoomIdType":
			continue
		case "MediaType":
			if d.MediaType != "" {
				continue
			}
		case "CallType":
			if d.CallType != "" {
				continue
			}
		}
		if !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return temporal.NewApplicationError("the record cannot be charged as it is, because "+strings.Join(missing, ", ")+
		" could not be read: use charge-as or waive", activities.RecordUnreadable)
}
