package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// FetchRecordParams ask for the record of a call.
type FetchRecordParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// Patience is for how long Tencent may say that there is no such record,
	// from the first time that it says so to a regular activity; 0 is until
	// the first time. It bounds nothing else: while Tencent does not answer,
	// or refuses, the call waits, and the time does not count.
	Patience time.Duration `json:"patience"`
	// Fresh says that nothing but Tencent and ourselves has held the call up, so
	// that the time since its end is worth measuring.
	Fresh bool `json:"fresh,omitempty"`
	// After is how long to wait first: some milliseconds, for which a timer of
	// the workflow would cost more than it waits.
	After time.Duration `json:"after,omitempty"`
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
	select {
	case <-time.After(p.After):
	case <-ctx.Done(): // which the client will say
	}
	record, err := app.Records.Record(ctx, p.CallID)
	if err == nil {
		if p.Fresh {
			took(a.metrics.recordLag.WithLabelValues(app.Name), a.now(), record)
		}
		return FetchRecordResult{Record: record}, nil
	}
	classified := classify(err)
	var appErr *temporal.ApplicationError
	if errors.As(classified, &appErr) && appErr.Type() == RecordNotYet && a.now().Sub(a.missingSince(ctx)) >= p.Patience {
		return FetchRecordResult{}, neverAppeared(err)
	}
	return FetchRecordResult{}, orElse(classified, RecordAPIUnavailable)
}

// missingSince is when Tencent first said that there is no record, which is
// now at the first time. A heartbeat carries it from attempt to attempt; a
// local activity has none, and one attempt.
func (a *Activities) missingSince(ctx context.Context) time.Time {
	var since time.Time
	if activity.HasHeartbeatDetails(ctx) {
		err := activity.GetHeartbeatDetails(ctx, &since)
		if err == nil {
			return since
		}
		activity.GetLogger(ctx).Warn("the patience with a missing record begins anew", "error", err)
	}
	since = a.now()
	activity.RecordHeartbeat(ctx, since)
	return since
}
