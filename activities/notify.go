package activities

import (
	"context"
	"errors"

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
	target, ok := a.targets[p.Target]
	if !ok {
		return retry(TargetNotConfigured, errors.New("target "+p.Target+" is not configured on this worker"), jitter(operatorPause))
	}
	err := orElse(classify(target.Send(ctx, p.MessageID, p.Event)), TargetUnavailable)
	a.metrics.delivered(p.Target, err)
	return err
}
