package activities

import (
	"context"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// OpenReviewParams is a call that a person must decide about.
type OpenReviewParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// Record is the call record, or the hint if there is none.
	Record tencent.CallRecord `json:"record"`
	// Error is the type of the error that caused the review, Reason its message.
	Error  string    `json:"error"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// OpenReviewResult is the event of the review, its message ID, and the targets
// to notify.
type OpenReviewResult struct {
	Event     notify.Event `json:"event"`
	MessageID string       `json:"message_id"`
	Targets   []string     `json:"targets"`
}

// OpenReview counts a review and returns its event. Errors: AppNotConfigured.
func (a *Activities) OpenReview(_ context.Context, p OpenReviewParams) (OpenReviewResult, error) {
	app, err := a.app(p.SDKAppID)
	if err != nil {
		return OpenReviewResult{}, err
	}
	a.metrics.reviews.WithLabelValues(app.Name, "opened").Inc()
	r := p.Record
	event := notify.Event{
		Type: notify.EventCallReview, Version: notify.EventVersion, Timestamp: p.At.UTC(),
		Call: &notify.CallData{
			App: app.Name, SDKAppID: app.ID, CallID: r.CallID, Caller: r.Caller, Members: r.Members, RoomID: r.RoomID,
			MediaType: r.MediaType, CallType: r.CallType, Result: r.Result,
			StartTime: r.StartTime, AcceptTime: r.AcceptTime, EndTime: r.EndTime, Explanation: []string{p.Reason},
		},
	}
	return OpenReviewResult{
		Event:     event,
		MessageID: notify.MessageID(app.ID, r.CallID, notify.EventCallReview),
		Targets:   notify.Subscribers(a.subscribers, event),
	}, nil
}
