package activities

import (
	"context"
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// What Temporal carries of the members of a call, in bytes. Its limits are 2 MiB for
// a payload and 4 MiB for a message, and a workflow that exceeds them is
// terminated. The ledger keeps all members.
const (
	// maxMembers is for the record, from which the events take the members.
	maxMembers = 32 << 10
	// maxHintMembers is for a hint, which is compared with the record.
	maxHintMembers = 2 << 10
)

// ShortenHint returns a hint with as many members as it takes to compare it.
func ShortenHint(hint *tencent.CallRecord) *tencent.CallRecord {
	if hint == nil {
		return nil
	}
	short := hint.FirstMembers(maxHintMembers)
	return &short
}

// allMembers returns the record with all of its members: it reads those again that
// Temporal does not carry. Without the record, or with another one, the first
// members are all that is known.
func (app App) allMembers(ctx context.Context, record tencent.CallRecord) (tencent.CallRecord, error) {
	if record.MembersTotal == 0 {
		return record, nil
	}
	again, err := app.Records.Record(ctx, record.CallID)
	var unreadable *tencent.UnreadableRecordError
	switch {
	case errors.As(err, &unreadable):
		again = unreadable.Record
	case err != nil:
		return record, retryableOnly(defaultType(classify(err), RecordAPIUnavailable))
	}
	first := again.FirstMembers(maxMembers)
	if first.MembersTotal == record.MembersTotal && slices.Equal(first.Members, record.Members) {
		record.Members, record.MembersTotal = again.Members, 0
	}
	return record, nil
}

// retryableOnly returns nil for an error that says that there is no such record.
func retryableOnly(err error) error {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) && (appErr.NonRetryable() || appErr.Type() == RecordNotYet) {
		return nil
	}
	return err
}
