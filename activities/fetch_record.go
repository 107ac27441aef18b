package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// FetchRecordParams ask for the record of a call.
type FetchRecordParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// GiveUpAt is when a record that is not there counts as never there. It
	// bounds nothing else: while Tencent does not answer, the call waits.
	GiveUpAt time.Time `json:"give_up_at"`
}

// FetchRecordResult is what Tencent keeps of the call.
type FetchRecordResult struct {
	Record tencent.CallRecord `json:"record"`
}

// FetchRecord reads the authoritative record of a call. Errors: RecordNotYet,
// RecordNeverAppeared, RecordAPIThrottled, RecordAPIRefused, RecordAPIInvalid,
// RecordAPIUnavailable, AppNotConfigured.
func (a *Activities) FetchRecord(ctx context.Context, p FetchRecordParams) (FetchRecordResult, error) {
	app, err := a.app(p.SDKAppID)
	if err != nil {
		return FetchRecordResult{}, err
	}
	record, err := app.Records.Record(ctx, p.CallID)
	if err == nil {
		return FetchRecordResult{Record: record}, nil
	}
	classified := classify(err)
	var appErr *temporal.ApplicationError
	if errors.As(classified, &appErr) && appErr.Type() == RecordNotYet && !a.now().Before(p.GiveUpAt) {
		return FetchRecordResult{}, neverAppeared(err)
	}
	return FetchRecordResult{}, orElse(classified, RecordAPIUnavailable)
}
