package simulation

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aftercall/dev/simulation/servermodel"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

const (
	// evidenceWait is how long a call that is charged by events waits for them, by
	// default, and evidenceMargin is for clocks that differ a little.
	evidenceWait   = 90 * time.Second
	evidenceMargin = 2 * time.Second
)

// eventIn reports whether a request is about who was in a call, which is kept, and names
// the call.
func (w *World) eventIn(r *http.Request, body []byte) (about string, kept bool) {
	if strings.HasPrefix(r.URL.Path, callback.RoomPathPrefix) {
		event, err := tencent.DecodeRoomEvent(body)
		if err != nil {
			w.problem("a webhook of a room cannot be read: " + err.Error())
		}
		return string(event.RoomID), true
	}
	query := r.URL.Query()
	members := tencent.Command(query.Get("CallbackCommand")) != tencent.CommandAfterEndCall
	return callIDIn(r, body), members && w.aboutOf(query.Get("SdkAppid"), "").App == seminar
}

// callBackAbout brings an event from Tencent to the starter. It takes a while, so that no
// two events arrive at one moment.
func (w *World) callBackAbout(about string, r *http.Request, body []byte) (*http.Response, error) {
	name := about + " " + r.URL.Query().Get("CallbackCommand") + " " + strconv.FormatUint(servermodel.Sum(body), 16)
	time.Sleep(upTo(w.plan.random("way", w.plan.count(name)), time.Second))
	if w.plan.down(CallbackOutage, "") {
		w.trace.add(about, "an event is lost in the outage")
		return nil, errReset
	}
	if w.plan.strikes(EventLate, name) {
		w.trace.add(about, "an event is late")
		w.agenda.After(upTo(w.plan.random("late", w.plan.count(name)), 10*time.Minute), "late event of "+name, func() {
			go w.keep(about, r.WithContext(context.WithoutCancel(r.Context())), body)
		})
		return nil, errReset
	}
	if w.plan.strikes(StarterBefore, name) {
		return nil, errReset
	}
	response := w.keep(about, r, body)
	if w.plan.strikes(StarterBetween, name) {
		return nil, errReset
	}
	return response, nil
}

// keep lets the starter keep an event.
func (w *World) keep(about string, r *http.Request, body []byte) *http.Response {
	response := serve(w.process.receiver, withBody(r, body))
	w.trace.add(about, "event answered %d: %s", response.StatusCode, body)
	return response
}

// eventsSeam is the database of events behind a bad connection, for starter and worker.
type eventsSeam struct {
	*evidence.Store
	plan *Plan
}

var errEventsDown = fmt.Errorf("the database of events is down: %w", errBefore)

// open opens the database for a starter.
func (s eventsSeam) open(context.Context) (evidence.Inserter, error) {
	if s.plan.down(EvidenceDown, "") {
		return nil, errEventsDown
	}
	return s, nil
}

// Close implements evidence.Inserter: the database outlives the starter.
func (eventsSeam) Close() error { return nil }

// Insert implements evidence.Inserter.
func (s eventsSeam) Insert(ctx context.Context, events []evidence.Event) (added []bool, err error) {
	name := fmt.Sprint("keep ", events)
	if s.plan.down(EvidenceDown, "") || s.plan.strikes(EvidenceBefore, name) {
		return nil, errEventsDown
	}
	added, err = s.Store.Insert(ctx, events)
	if err == nil && s.plan.strikes(EvidenceAfter, name) {
		return nil, errAfter
	}
	return added, err
}

// OfCall implements activities.Evidence.
func (s eventsSeam) OfCall(ctx context.Context, c evidence.Call) ([]evidence.Event, error) {
	if s.plan.down(EvidenceDown, "") || s.plan.strikes(EvidenceUnread, c.CallID) {
		return nil, errEventsDown
	}
	return s.Store.OfCall(ctx, c)
}
