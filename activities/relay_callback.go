package activities

import (
	"context"
	"errors"
	"time"

	"aftercall/internal/tencent"
)

// CallbackSender passes callbacks on to an app's own backend; *notify.Relay
// implements it.
type CallbackSender interface {
	Send(ctx context.Context, query, contentType string, body []byte) error
}

// Relay is an app's own backend.
type Relay struct {
	Receiver
	Sender CallbackSender
}

// RelayCallbackParams are a callback as it came.
type RelayCallbackParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	App      string           `json:"app"`
	Command  tencent.Command  `json:"command"`
	// CallID is empty if the body has none.
	CallID string `json:"call_id,omitempty"`
	// Query is the raw query, without its question mark.
	Query       string `json:"query"`
	ContentType string `json:"content_type,omitempty"`
	Body        []byte `json:"body"`
	// Since is the beginning of the retry window.
	Since time.Time `json:"since,omitzero"`
}

// RelayCallback makes one attempt to pass a callback on. Errors:
// TargetUnavailable, TargetHeld, TargetSlow, TargetRefused, TargetNotConfigured,
// Undelivered.
func (a *Activities) RelayCallback(ctx context.Context, p RelayCallbackParams) error {
	relay := a.apps[p.SDKAppID].Relay
	if relay == nil {
		err := errors.New("app " + p.App + " has no relay in this worker's configuration")
		return a.notConfigured(ctx, RelayReceiver(p.App), p.Since, retryAfter(jitter(operatorDelay), TargetNotConfigured, err))
	}
	return a.tryDeliver(ctx, relay.Receiver, p.Since, func(ctx context.Context) error {
		return relay.Sender.Send(ctx, p.Query, p.ContentType, p.Body)
	})
}

// RelayReceiver is the name of an app's relay among the receivers. The colon
// keeps it different from the names of all targets.
func RelayReceiver(app string) string { return "relay:" + app }
