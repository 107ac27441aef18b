package activities

import (
	"context"
	"time"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// NotifyParams is one event for one target.
type NotifyParams struct {
	Target    string       `json:"target"`
	MessageID string       `json:"message_id"`
	Event     notify.Event `json:"event"`
	// Since is the beginning of the retry window.
	Since time.Time `json:"since"`
	// ObserveLatency: see FetchRecordParams.
	ObserveLatency bool `json:"fresh,omitempty"`
}

// Notify makes one attempt to deliver the event. Errors: TargetUnavailable, TargetHeld,
// TargetSlow, TargetRefused, TargetNotConfigured, Undelivered.
func (a *Activities) Notify(ctx context.Context, p NotifyParams) error {
	target, err := a.target(p.Target)
	if err != nil {
		return a.notConfigured(ctx, p.Target, p.Since, err)
	}
	err = a.tryDeliver(ctx, target.Receiver, p.Since, func(ctx context.Context) error {
		return target.Sender.Send(ctx, p.MessageID, p.Event)
	})
	if err == nil && p.ObserveLatency && p.Event.Call != nil {
		call := tencent.CallRecord{EndTime: p.Event.Call.EndTime}
		observeSinceEnd(a.metrics.latency.WithLabelValues(p.Event.Call.App, "notified"), a.now(), call)
	}
	return err
}

// SubscribersParams is an event.
type SubscribersParams struct {
	Event notify.Event `json:"event"`
}

// SubscribersResult are the names of the targets that subscribe to the event,
// in the order of the configuration.
type SubscribersResult struct {
	Targets []string `json:"targets"`
}

// Subscribers returns the targets to notify of an event. It cannot fail.
func (a *Activities) Subscribers(_ context.Context, p SubscribersParams) (SubscribersResult, error) {
	return SubscribersResult{Targets: notify.Subscribers(a.subscribers, p.Event)}, nil
}
