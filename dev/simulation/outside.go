package simulation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// callBack brings a callback from Tencent to the starter.
func (w *World) callBack(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if about, kept := w.eventIn(r, body); kept {
		return w.callBackAbout(about, r, body)
	}
	app, command, callID := r.URL.Query().Get("SdkAppid"), tencent.Command(r.URL.Query().Get("CallbackCommand")), callIDIn(r, body)
	name := app + " " + callID
	if command != tencent.CommandAfterEndCall { // posted at the same moment
		name += " " + string(command)
	}
	switch {
	case w.plan.down(CallbackOutage, ""):
		w.trace.add(callID, "its callback is lost in the outage")
		return nil, errReset
	case w.plan.strikes(CallbackLost, name):
		w.trace.add(callID, "its callback is lost")
		return nil, errReset
	}
	d := &death{before: w.plan.strikes(StarterBefore, name)}
	d.between = !d.before && w.plan.strikes(StarterBetween, name)
	posted := time.Now()
	w.relayed(app, command, callID, r, body, 0)
	w.forgotten(app, callID)
	response := serve(w.process.receiver, r.WithContext(context.WithValue(r.Context(), deathKey{}, d)))
	if command == tencent.CommandAfterEndCall {
		w.madeUp(app, callID, body)
	}
	if d.dead.Load() {
		w.trace.add(callID, "the starter dies (before the start: %t)", d.before)
		return nil, errReset
	}
	w.relayed(app, command, callID, r, body, response.StatusCode)
	if command == tencent.CommandAfterEndCall {
		w.posted(w.aboutOf(app, callID), posted, response.StatusCode)
		w.answered(app, callID, response.StatusCode)
	}
	return response, nil
}

// forgotten counts a callback of a call that only the ledger knows any more.
func (w *World) forgotten(app, callID string) {
	id, err := tencent.ParseSDKAppID(app)
	if err == nil && w.inLedger(id, callID) && !w.temporal.Has(workflows.AfterCallID(id, callID)) {
		w.plan.happened(Forgotten)
	}
}

// aboutOf names a call of an app, whose SDKAppID is in a query.
func (w *World) aboutOf(app, callID string) checker.ID {
	id, err := tencent.ParseSDKAppID(app)
	if err != nil {
		return checker.ID{App: app, CallID: callID}
	}
	return w.idOf(id, callID)
}

// callIDIn is the CallId of a callback as the starter reads it, empty if it cannot.
func callIDIn(r *http.Request, body []byte) string {
	read, err := tencent.DecodeCallback(tencent.ParseQuery(r.URL.RawQuery), body)
	if err != nil {
		return ""
	}
	return read.CallID
}

// answered notes the answer to a callback. OK means that the call is durable.
func (w *World) answered(app, callID string, status int) {
	w.trace.add(callID, "callback answered %d", status)
	if status != http.StatusOK {
		return
	}
	id, err := tencent.ParseSDKAppID(app)
	known := err == nil && (w.temporal.Has(workflows.AfterCallID(id, callID)) || w.inLedger(id, callID))
	w.accept(w.aboutOf(app, callID), known)
}

// madeUp notes the call of a workflow that a malformed callback has started, whatever
// its answer was: its CallId is that of no call.
func (w *World) madeUp(app, callID string, body []byte) {
	id, err := tencent.ParseSDKAppID(app)
	if err != nil || w.find(id, callID) != nil || !w.temporal.Has(workflows.AfterCallID(id, callID)) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &call{id: callID, app: id, name: w.appName(id), odd: true, claims: members.Claims(callID, []tencentsim.PostedCallback{{Command: tencent.CommandAfterEndCall, Body: body}})}
	c.record.EndTime = c.claims[0].End
	w.calls = append(w.calls, c)
}

// inLedger reports whether the real ledger has the call.
func (w *World) inLedger(app tencent.SDKAppID, callID string) bool {
	known, err := w.ledger.Known(context.Background(), app, []string{callID})
	return err == nil && known[callID]
}

// askTencent brings a request for records to Tencent, and its answer back.
func (w *World) askTencent(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	app := r.URL.Query().Get("sdkappid")
	name := r.URL.Path + " " + app + " " + string(body)
	switch {
	case w.plan.down(RecordAPIDown, ""), w.plan.strikes(RecordGateway, name):
		return answer(r, http.StatusBadGateway, "<html>Bad Gateway</html>"), nil
	case w.plan.strikes(RecordTimeout, name):
		return hang(r.Context())
	case w.plan.strikes(RecordCode, name):
		codes := []int{101001, 60008, 60007, 70003, 60014}
		code := codes[w.plan.random("code", w.plan.count(name+" code")).IntN(len(codes))]
		return answer(r, http.StatusOK, fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorCode":%d,"ErrorInfo":"simulated","RequestId":"r"}`, code)), nil
	}
	response := serve(w.tencent, r)
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if w.plan.strikes(RecordCut, name) {
		text = text[:len(text)/2]
	}
	return answer(r, response.StatusCode, w.changeRecord(app, string(text))), nil
}

// changeRecord lets Tencent have another end of a call than the one it was charged by.
func (w *World) changeRecord(app, text string) string {
	w.mu.Lock()
	changed := slices.Clone(w.changed)
	w.mu.Unlock()
	for _, c := range changed {
		if c.app.String() == app && strings.Contains(text, strconv.Quote(c.callID)) && !time.Now().Before(c.at) && w.inLedger(c.app, c.callID) {
			text = strings.ReplaceAll(text, c.old, c.new)
		}
	}
	return text
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// notify brings an event to a target.
func (w *World) notify(r *http.Request) (*http.Response, error) {
	target, id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], r.Header.Get("webhook-id")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	arrived := func() { w.arrived(target, id, body) }
	if target == relay {
		id = r.URL.Query().Get("SdkAppid") + " " + callIDIn(r, body) + r.URL.Query().Get("CallbackCommand")
		arrived = func() { w.relay(r.URL.RawQuery, body, func(known *checker.Relay) { known.Accepted++ }) }
	}
	switch {
	case w.plan.down(TargetDown, target), w.plan.strikes(Target500, target, id):
		return answer(r, http.StatusInternalServerError, "simulated"), nil
	case w.plan.strikes(Target429, target, id):
		response := answer(r, http.StatusTooManyRequests, "simulated")
		response.Header.Set("Retry-After", "120")
		return response, nil
	case w.plan.strikes(TargetTimeout, target, id):
		if target != relay {
			arrived()
		}
		return hang(r.Context())
	}
	arrived()
	response := answer(r, http.StatusOK, "")
	if target != relay {
		response = serve(w.targets, r)
	}
	if w.plan.strikes(TargetReset, target, id) {
		return nil, errReset
	}
	w.trace.add(target, "%s answered %d: %s", id, response.StatusCode, callOf(body))
	return response, nil
}
