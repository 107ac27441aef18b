package activities

import (
	"context"
	"errors"
	"time"

	"aftercall/internal/tencent"
)

// Forwarder passes callbacks on to an app's own backend; *notify.Relay does.
type Forwarder interface {
	Forward(ctx context.Context, query, contentType string, body []byte) error
}

// Relay is an app's own backend.
type Relay struct {
	Receiver
	Forwarder Forwarder
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
	// Since is when the relaying began. It ends at the relay's horizon.
	Since time.Time `json:"since,omitzero"`
}

// Forward passes a callback on once. Errors: TargetUnavailable, TargetHeld,
// TargetRefused, TargetNotConfigured, Undelivered.
func (a *Activities) Forward(ctx context.Context, p ForwardParams) error {
	relay := a.apps[p.SDKAppID].Relay
	if relay == nil {
		err := errors.New("app " + p.App + " has no relay in this worker's configuration")
		return a.missing(ctx, RelayReceiver(p.App), p.Since, retry(TargetNotConfigured, err, jitter(operatorPause)))
	}
	return a.offer(ctx, relay.Receiver, p.Since, func(ctx context.Context) error {
		return relay.Forwarder.Forward(ctx, p.Query, p.ContentType, p.Body)
	})
}

// RelayReceiver is the name of an app's relay among receivers. No target can
// have it, because of its colon.
func RelayReceiver(app string) string { return "relay:" + app }
