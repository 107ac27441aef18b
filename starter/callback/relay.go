package callback

import (
	"context"
	"errors"
	"net/http"
	"time"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

const (
	// relayBudget bounds the start of a relay that the answer does not wait for.
	relayBudget = 10 * time.Second
	// maxRelayStarts bounds the memory that is used while Temporal does not
	// answer: more starts than this fail at once.
	maxRelayStarts = 1000
)

var errTooManyRelays = errors.New("too many others are waiting for Temporal")

// relayStart is the start of a Relay workflow in the background. It is nil for
// a callback that is not relayed.
type relayStart struct {
	done chan struct{}
	err  error // after done
}

// startRelay starts the relay of a callback, if the app relays its command.
func (h *Handler) startRelay(r *http.Request, app App, cb tencent.Callback, body []byte) *relayStart {
	if !app.Relay[cb.Command] {
		return nil
	}
	return h.startRelayWorkflow(r, app, cb, body)
}

// startRelayWorkflow is a function of its own because its arguments escape to
// the heap, which callbacks that are not relayed do not pay for.
func (h *Handler) startRelayWorkflow(r *http.Request, app App, cb tencent.Callback, body []byte) *relayStart {
	p := activities.RelayCallbackParams{
		SDKAppID: app.ID, App: app.Name, Command: cb.Command, CallID: cb.CallID,
		Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"), Body: body,
	}
	relay := &relayStart{done: make(chan struct{})}
	select {
	case h.relaySlots <- struct{}{}:
	default:
		h.relayEnded(r.Context(), p, relay, false, errTooManyRelays)
		return relay
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), relayBudget)
	h.relays.Go(func() {
		defer cancel()
		already, err := false, errThrottled
		if allowed(ctx, h.limits.Relays, p.SDKAppID) {
			already, err = h.workflows.StartRelay(ctx, p)
		}
		<-h.relaySlots
		h.relayEnded(ctx, p, relay, already, err)
	})
	return relay
}

func (h *Handler) relayEnded(ctx context.Context, p activities.RelayCallbackParams, relay *relayStart, already bool, err error) {
	outcome := relayStarted
	switch {
	case errors.Is(err, errThrottled): // logged with the refusals
		outcome = relayThrottled
		h.refusals.log(throttled().forApp(App{Name: p.App}))
	case err != nil:
		outcome = relayFailed
		h.logger.ErrorContext(ctx, "callback not relayed: the workflow could not be started",
			"app", p.App, "command", p.Command, "call_id", p.CallID, "error", err)
	case already:
		outcome = relayDuplicate
	}
	h.metrics.relays.WithLabelValues(p.App, string(outcome)).Inc()
	relay.err = err
	close(relay.done)
}

// reply answers a callback whose command has no handler: it is relayed, or ignored.
func (s *relayStart) reply(deadline time.Time) reply {
	if s == nil {
		return ok200(outcomeIgnored)
	}
	select {
	case <-s.done:
		if s.err == nil {
			return ok200(outcomeRelayed)
		}
		if errors.Is(s.err, errThrottled) {
			return throttled()
		}
	case <-time.After(time.Until(deadline)):
	}
	return unavailable()
}
