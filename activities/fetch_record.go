package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

// FetchRecordParams names the call.
type FetchRecordParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	CallID   string           `json:"call_id"`
	// NotFoundTimeout is how long a missing record is waited for (the record
	// deadline), from the first time that Tencent answers a regular activity
	// that there is none; 0 is not at all. It limits nothing else: an outage of
	// the record API does not count.
	NotFoundTimeout time.Duration `json:"patience"`
	// ObserveLatency is set if only Tencent and this system have delayed the
	// call, so that the time since its end is worth measuring.
	ObserveLatency bool `json:"fresh,omitempty"`
	// InitialDelay is waited before the request: some milliseconds, for which a
	// timer of the workflow would cost more than it waits.
	InitialDelay time.Duration `json:"after,omitempty"`
}

// FetchRecordResult is Tencent's record of the call, with as many members as
// Temporal carries.
type FetchRecordResult struct {
	Record tencent.CallRecord `json:"record"`
}

// UnreadableRecord is the part of a record that could be read, and why the rest
// could not. It is the details of the error RecordUnreadable.
type UnreadableRecord struct {
	Record   tencent.CallRecord   `json:"record"`
	Problems []tencent.FieldError `json:"problems"`
	// Raw is Tencent's JSON, capped. It may contain accounts.
	Raw string `json:"raw"`
}

// FetchRecord reads the authoritative record of a call. Errors: RecordNotYet,
// RecordNeverAppeared, RecordAPIThrottled, RecordAPIRefused, RecordAPIInvalid,
// RecordUnreadable, RecordAPIUnavailable, AppNotConfigured.
func (a *Activities) FetchRecord(ctx context.Context, p FetchRecordParams) (FetchRecordResult, error) {
	app, err := a.app(ctx, p.SDKAppID)
	if err != nil {
		return FetchRecordResult{}, err
	}
	select {
	case <-time.After(p.InitialDelay):
	case <-ctx.Done(): // the client returns the error
	}
	record, err := app.Records.Record(ctx, p.CallID)
	if err == nil {
		if p.ObserveLatency {
			observeSinceEnd(a.metrics.recordLag.WithLabelValues(app.Name), a.now(), record)
		}
		return FetchRecordResult{Record: record.FirstMembers(maxMembers)}, nil
	}
	classified := classify(err)
	var appErr *temporal.ApplicationError
	if errors.As(classified, &appErr) && appErr.Type() == RecordNotYet {
		// Not in one expression: it would read the clock before since does.
		if since := a.missingSince(ctx); a.now().Sub(since) >= p.NotFoundTimeout {
			return FetchRecordResult{}, neverAppeared(err, app.WithoutRecord)
		}
	}
	a.operators.observe(ctx, a.now(), app.Name, classified, err)
	return FetchRecordResult{}, defaultType(classified, RecordAPIUnavailable)
}

// missingSince is when Tencent first answered that there is no record: now, or
// what a heartbeat of an earlier attempt says. A local activity has no
// heartbeats, and only one attempt.
func (a *Activities) missingSince(ctx context.Context) time.Time {
	var since time.Time
	if activity.HasHeartbeatDetails(ctx) {
		err := activity.GetHeartbeatDetails(ctx, &since)
		if err == nil {
			return since
		}
		activity.GetLogger(ctx).Warn("the record deadline is counted from now: the heartbeat of the earlier attempts cannot be read", "error", err)
	}
	since = a.now()
	activity.RecordHeartbeat(ctx, since)
	return since
}
