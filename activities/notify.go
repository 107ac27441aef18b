package activities

import (
	"context"

	"aftercall/internal/notify"
)

// NotifyParams are one event for one target.
type NotifyParams struct {
	Target    string       `json:"target"`
	MessageID string       `json:"message_id"`
	Event     notify.Event `json:"event"`
}

// Notify delivers the event once. Errors: TargetUnavailable, TargetRefused,
// TargetNotConfigured.
func (a *Activities) Notify(ctx context.Context, p NotifyParams) error {
	target, err := a.target(p.Target)
	if err != nil {
		return err
	}
	err = orElse(classify(target.Sender.Send(ctx, p.MessageID, p.Event)), TargetUnavailable)
	a.metrics.delivered(p.Target, err)
	return err
}
