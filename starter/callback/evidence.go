package callback

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// Evidence keeps events; *evidence.Writer implements it.
type Evidence interface {
	// Keep returns once the events, which are of one app, are kept durably, and says of
	// each whether it is new. One that can never be kept is a *tencent.FieldError.
	Keep(ctx context.Context, events []evidence.Event) (added []bool, err error)
}

// The outcomes of an event, as labels of its metric.
const (
	eventKept      = "kept"
	eventDuplicate = "duplicate"
	eventFailed    = "failed"
)

// KeepEvidence keeps the events of apps with Members or RoomKeys in store. Without it
// they are handled as other callbacks that have no handler, and rooms have no path.
// Call it before the first request.
func (h *Handler) KeepEvidence(store Evidence, reg prometheus.Registerer) {
	factory := promauto.With(reg)
	h.metrics.events = factory.NewCounterVec(prometheus.CounterOpts{
		Name: "aftercall_evidence_events_total",
		Help: "Events that say who was in a call, by app, source (callback, room) and outcome: kept, duplicate, failed (answered 503).",
	}, []string{"app", "source", "outcome"})
	h.metrics.rooms = factory.NewCounterVec(prometheus.CounterOpts{
		Name: "aftercall_room_webhooks_total",
		Help: "Webhooks of rooms by app (empty if not known), outcome (kept, ignored, refused, throttled, unavailable) and HTTP status.",
	}, []string{"app", "outcome", "status"})
	for _, app := range h.apps {
		if len(app.RoomKeys) > 0 {
			for outcome, status := range map[outcome]int{
				outcomeKept: http.StatusOK, outcomeRefused: http.StatusUnauthorized, outcomeUnavailable: http.StatusServiceUnavailable,
			} {
				h.metrics.rooms.WithLabelValues(app.Name, string(outcome), strconv.Itoa(status))
			}
			h.metrics.old.WithLabelValues(app.Name, "room_key")
		}
		for source, on := range map[evidence.Source]bool{evidence.SourceCallback: app.Members, evidence.SourceRoom: len(app.RoomKeys) > 0} {
			for _, outcome := range []string{eventKept, eventFailed} {
				if on {
					h.metrics.events.WithLabelValues(app.Name, string(source), outcome)
				}
			}
		}
	}
	h.evidence = store
	h.router = h.routes()
}

func (h *Handler) keepsMembers(app App) bool { return h.evidence != nil && app.Members }

// hasRooms reports whether the webhooks of an app's rooms are received.
func (h *Handler) hasRooms() bool {
	for _, app := range h.apps {
		if h.evidence != nil && len(app.RoomKeys) > 0 {
			return true
		}
	}
	return false
}

// keep answers a request once its events are kept: until then the sender must keep
// them, or send them again. What is unreadable in it keeps no other event from being kept.
func (h *Handler) keep(ctx context.Context, deadline time.Time, app App, events []evidence.Event, unreadable error) reply {
	var sound []evidence.Event
	for _, e := range events {
		if err := e.Validate(); err == nil {
			sound = append(sound, e)
		} else if unreadable == nil {
			unreadable = err
		}
	}
	answer := ok200(outcomeIgnored)
	if len(sound) > 0 {
		answer = h.keepSound(ctx, deadline, app, sound)
	}
	if unreadable != nil && answer.status == http.StatusOK {
		return refuse(http.StatusBadRequest, unreadable.Error())
	}
	return answer
}

func (h *Handler) keepSound(ctx context.Context, deadline time.Time, app App, events []evidence.Event) reply {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if !allowed(ctx, h.limits.Events, app.ID) {
		return reply{status: http.StatusTooManyRequests, answer: tencent.AnswerFail("too many events at once: send it again later"), outcome: outcomeThrottled}
	}
	added, err := h.evidence.Keep(ctx, events)
	counted := func(outcome string) prometheus.Counter {
		return h.metrics.events.WithLabelValues(app.Name, string(events[0].Source), outcome)
	}
	if err != nil { // the writer logs when an outage begins and ends
		counted(eventFailed).Add(float64(len(events)))
		return unavailable()
	}
	for _, isNew := range added {
		if isNew {
			counted(eventKept).Inc()
		} else {
			counted(eventDuplicate).Inc()
		}
	}
	return ok200(outcomeKept)
}
