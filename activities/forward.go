package activities

import (
	"context"
	"errors"

	"aftercall/internal/tencent"
)

// Relay passes callbacks on to an app's own backend; *notify.Relay does.
type Relay interface {
	Forward(ctx context.Context, query, contentType string, body []byte) error
}

// ForwardParams are a callback as it came.
type ForwardParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	Command  tencent.Command  `json:"command"`
	// CallID is empty where the body names none.
	CallID string `json:"call_id,omitempty"`
	// Query is the raw query, without its question mark.
	Query       string `json:"query"`
	ContentType string `json:"content_type,omitempty"`
	Body        []byte `json:"body"`
}

// Forward passes a callback on once. Errors: TargetUnavailable, TargetRefused,
// TargetNotConfigured, AppNotConfigured.
func (a *Activities) Forward(ctx context.Context, p ForwardParams) error {
	app, err := a.app(p.SDKAppID)
	if err != nil {
		return err
	}
	if app.Relay == nil {
		return retry(TargetNotConfigured, errors.New("app "+app.Name+" has no relay in this worker's configuration"), jitter(operatorPause))
	}
	err = orElse(classify(app.Relay.Forward(ctx, p.Query, p.ContentType, p.Body)), TargetUnavailable)
	a.metrics.delivered("relay:"+app.Name, err)
	return err
}
