package activities

import (
	"context"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// NotifyParams are one event for one target.
type NotifyParams struct {
	Target    string       `json:"target"`
	MessageID string       `json:"message_id"`
	Event     notify.Event `json:"event"`
	// Since is when the delivery began. It ends at the target's horizon.
	Since time.Time `json:"since"`
	// Fresh as in FetchRecordParams.
	Fresh bool `json:"fresh,omitempty"`
}

// Notify delivers the event once. Errors: TargetUnavailable, TargetHeld,
// TargetRefused, TargetNotConfigured, Undelivered.
func (a *Activities) Notify(ctx context.Context, p NotifyParams) error {
	target, err := a.target(p.Target)
	if err != nil {
		return a.missing(ctx, p.Target, p.Since, err)
	}
	err = a.offer(ctx, target.Receiver, p.Since, func(ctx context.Context) error {
		return target.Sender.Send(ctx, p.MessageID, p.Event)
	})
	if err == nil && p.Fresh && p.Event.Call != nil {
		call := tencent.CallRecord{EndTime: p.Event.Call.EndTime}
		took(a.metrics.latency.WithLabelValues(p.Event.Call.App, "notified"), a.now(), call)
	}
	return err
}

// SubscribersParams are an event that somebody may want to hear of.
type SubscribersParams struct {
	Event notify.Event `json:"event"`
}

// SubscribersResult are the names of the targets that do, in the order of the
// configuration.
type SubscribersResult struct {
	Targets []string `json:"targets"`
}

// Subscribers says who wants to hear of an event. It cannot fail.
func (a *Activities) Subscribers(_ context.Context, p SubscribersParams) (SubscribersResult, error) {
	return SubscribersResult{Targets: a.subscribers(p.Event)}, nil
}
