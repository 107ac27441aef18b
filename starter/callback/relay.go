package callback

import (
	"context"
	"net/http"
	"time"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

// relayBudget is how long a relay may take to be started beside an ended call,
// whose answer does not wait for it.
const relayBudget = 10 * time.Second

// relaying is a callback whose relay is being started; nil where there is none.
type relaying struct {
	ended chan struct{}
	err   error // after ended
}

// relay begins to pass a callback on, if the app wants this command passed on.
func (h *Handler) relay(r *http.Request, app App, cb tencent.Callback, body []byte) *relaying {
	if !app.Relay[cb.Command] {
		return nil
	}
	return h.startRelay(r, app, cb, body)
}

// startRelay is apart from relay because its arguments outlive it, for which
// callbacks that nobody relays need not pay.
func (h *Handler) startRelay(r *http.Request, app App, cb tencent.Callback, body []byte) *relaying {
	p := activities.ForwardParams{
		SDKAppID: app.ID, App: app.Name, Command: cb.Command, CallID: cb.CallID,
		Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"), Body: body,
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), relayBudget)
	started := &relaying{ended: make(chan struct{})}
	go func() {
		defer cancel()
		defer close(started.ended)
		var already bool
		already, started.err = h.calls.StartRelay(ctx, p)
		outcome := "started"
		switch {
		case started.err != nil:
			outcome = "failed"
			h.logger.ErrorContext(ctx, "a callback is not relayed: the workflow could not be started",
				"app", app.Name, "command", cb.Command, "call_id", p.CallID, "error", started.err)
		case already:
			outcome = "duplicate"
		}
		h.metrics.relays.WithLabelValues(app.Name, outcome).Inc()
	}()
	return started
}

// reply answers a callback that is for the app's backend alone, if for anybody.
func (s *relaying) reply() reply {
	if s == nil {
		return ok200(outcomeIgnored)
	}
	select {
	case <-s.ended:
		if s.err == nil {
			return ok200(outcomeRelayed)
		}
	case <-time.After(handleBudget):
	}
	return unavailable()
}

// wait holds a request that was answered until its relay is durable, so that a
// shutdown does not cut it off.
func (s *relaying) wait(w http.ResponseWriter) {
	if s == nil {
		return
	}
	// The answer goes out now. Recorders in tests cannot flush, and need not.
	_ = http.NewResponseController(w).Flush()
	<-s.ended
}
