package callback

import (
	"context"
	"net/http"
	"time"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// relayBudget bounds the start of a relay that the answer does not wait for.
const relayBudget = 10 * time.Second

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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), relayBudget)
	relay := &relayStart{done: make(chan struct{})}
	go func() {
		defer cancel()
		defer close(relay.done)
		var already bool
		already, relay.err = h.workflows.StartRelay(ctx, p)
		outcome := relayStarted
		switch {
		case relay.err != nil:
			outcome = relayFailed
			h.logger.ErrorContext(ctx, "callback not relayed: the workflow could not be started",
				"app", app.Name, "command", cb.Command, "call_id", p.CallID, "error", relay.err)
		case already:
			outcome = relayDuplicate
		}
		h.metrics.relays.WithLabelValues(app.Name, string(outcome)).Inc()
	}()
	return relay
}

// reply answers a callback whose command has no handler: it is relayed, or ignored.
func (s *relayStart) reply() reply {
	if s == nil {
		return ok200(outcomeIgnored)
	}
	select {
	case <-s.done:
		if s.err == nil {
			return ok200(outcomeRelayed)
		}
	case <-time.After(handleBudget):
	}
	return unavailable()
}

// wait holds an answered request open until its relay has been started, so that
// a shutdown does not interrupt that.
func (s *relayStart) wait(w http.ResponseWriter) {
	if s == nil {
		return
	}
	// Send the answer now. Recorders in tests cannot flush, which is no problem.
	_ = http.NewResponseController(w).Flush()
	<-s.done
}
