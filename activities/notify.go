package activities

import (
	"context"
	"fmt"
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

// defaultHorizon is that of a target which the configuration does not name.
const defaultHorizon = 72 * time.Hour

// Notify delivers the event once. Errors: TargetUnavailable, TargetRefused,
// TargetNotConfigured, Undelivered.
func (a *Activities) Notify(ctx context.Context, p NotifyParams) error {
	horizon := defaultHorizon
	target, err := a.target(p.Target)
	if err == nil {
		horizon = target.Horizon
		err = orElse(classify(target.Sender.Send(ctx, p.MessageID, p.Event)), TargetUnavailable)
	}
	if retryable(err) && a.now().Sub(p.Since) >= horizon {
		err = final(Undelivered, fmt.Errorf("not taken within %s: %w", horizon, err))
	}
	a.metrics.delivered(p.Target, err)
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
