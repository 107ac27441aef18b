package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// OpenReviewParams is a call that a person must decide about.
type OpenReviewParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Record is the call record, or the hint if there is none.
	Record tencent.CallRecord `json:"record"`
	// Unconfirmed is set if Record is what a callback claims.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	// NoRecord is set if Tencent has no record of the call.
	NoRecord bool `json:"no_record,omitempty"`
	// Error is the type of the error that caused the review, Reason its message.
	Error  string    `json:"error"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	// FirstRunID is that of the workflow; see ChargeParams.
	FirstRunID string `json:"first_run_id,omitempty"`
}

// OpenReviewResult is the event of the review, its message ID, and the targets
// to notify.
type OpenReviewResult struct {
	Event     notify.Event `json:"event"`
	MessageID string       `json:"message_id"`
	Targets   []string     `json:"targets"`
	// Folded is set if no target is to be notified, because the review is one of a
	// burst that is reported in one message; see FoldReview.
	Folded bool `json:"folded,omitempty"`
	// Charged is set if this workflow has charged the call already. If no person has
	// decided that, an earlier attempt has, before its record could no longer be read:
	// there is nothing to review, and no event.
	Charged *ChargeResult `json:"charged,omitempty"`
}

// OpenReview counts a review and returns its event. Of a call without record, the
// callbacks are forgotten: another one may mean that there is a record now. Such
// reviews are folded. Errors: AppNotConfigured, LedgerUnavailable.
func (a *Activities) OpenReview(ctx context.Context, p OpenReviewParams) (OpenReviewResult, error) {
	app, err := a.app(ctx, p.SDKAppID)
	if err != nil {
		return OpenReviewResult{}, err
	}
	var charged *ChargeResult
	if p.FirstRunID != "" {
		entry, found, err := a.ownEntry(ctx, app.ID, p.Record.CallID, p.FirstRunID)
		if err != nil {
			return OpenReviewResult{}, defaultType(err, LedgerUnavailable)
		}
		if found {
			own := a.newChargeResult(entry, p.FirstRunID)
			own.Recomputed = p.Reason
			charged = &own
			if entry.Operator == "" {
				return OpenReviewResult{Charged: charged}, nil
			}
		}
	}
	if p.NoRecord {
		if err := a.forget(ctx, app.ID, p.Record.CallID); err != nil {
			activity.GetLogger(ctx).Warn("the same callback again will not make the call look for its record; the sweep will", "app", app.Name, "call_id", p.Record.CallID, "error", err)
		}
	}
	a.metrics.reviews.WithLabelValues(app.Name, "opened").Inc()
	r := p.Record
	event := notify.Event{
		Type: notify.EventCallReview, Version: notify.EventVersion, Timestamp: p.At.UTC(),
		Call: &notify.CallData{
			App: app.Name, SDKAppID: app.ID, CallID: r.CallID, Caller: r.Caller, Members: r.Members, MembersTotal: r.MembersTotal, RoomID: r.RoomID,
			MediaType: r.MediaType, CallType: r.CallType, Result: r.Result,
			StartTime: r.StartTime, AcceptTime: r.AcceptTime, EndTime: r.EndTime, Explanation: []string{p.Reason}, Unconfirmed: p.Unconfirmed,
		},
	}
	opened := OpenReviewResult{
		Event:     event,
		MessageID: notify.MessageID(app.ID, r.CallID, notify.EventCallReview),
		Targets:   notify.Subscribers(a.subscribers, event),
		Charged:   charged,
	}
	if p.NoRecord && len(opened.Targets) > 0 && a.folds(ctx, app, r.CallID) {
		opened.Targets, opened.Folded = []string{}, true
	}
	return opened, nil
}

// foldTimeout leaves a local activity the time to return: a review that cannot be
// folded must be reported.
const foldTimeout = 2 * time.Second

// folds reports whether the review is reported together with others. Anyone who
// knows a callback URL can open reviews of calls that never were, as many as the
// limit of callbacks permits, so each must not be a message.
func (a *Activities) folds(ctx context.Context, app App, callID string) bool {
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	folded, err := a.fold(ctx, app, callID)
	if err != nil {
		activity.GetLogger(ctx).Warn("a review is reported on its own: it cannot be folded", "app", app.Name, "call_id", callID, "error", err)
		return false
	}
	return folded
}
