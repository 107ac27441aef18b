package ops

import (
	"context"
	"slices"

	"aftercall/activities"
	"aftercall/internal/attendance"
	"aftercall/internal/audit"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// seenCall is what was seen of a call that has no record, for the person who decides
// about it.
func (d *Deps) seenCall(ctx context.Context, app *config.App, callID string) (tencent.CallRecord, error) {
	store, err := d.evidenceStore(ctx)
	if err != nil {
		return tencent.CallRecord{}, err
	}
	call, err := findStart(ctx, store, evidence.Call{SDKAppID: app.SDKAppID, CallID: callID, Limit: activities.MaxEvents})
	if err != nil {
		return tencent.CallRecord{}, err
	}
	events, err := eventsOf(ctx, store, call)
	if err != nil {
		return tencent.CallRecord{}, err
	}
	if len(events) == 0 {
		return tencent.CallRecord{}, Errorf(NotFound, "check the CallId: aftercall audit names the calls that were seen", "%s: Tencent has no record of this call, and nothing was seen of it", app.Name)
	}
	return seenCallOf(call, events), nil
}

// seenCallOf is a call as its events show it, which are in order: from its start until
// somebody was seen to join or leave for the last time. Nobody says who called, nor what
// media type and result it had.
func seenCallOf(call evidence.Call, events []evidence.Event) tencent.CallRecord {
	if i := slices.IndexFunc(events, func(e evidence.Event) bool { return e.Kind == evidence.KindCalled }); i >= 0 {
		before := events[i].At.Add(-audit.Tolerance) // was another call in the room
		events = slices.DeleteFunc(events, func(e evidence.Event) bool { return e.At.Before(before) })
	}
	r := tencent.CallRecord{
		CallID: call.CallID, RoomID: call.RoomID, RoomIDType: call.RoomIDType, StartTime: events[0].At.Unix(), EndTime: events[0].At.Unix(),
	}
	entered := map[string]bool{}
	for _, e := range events {
		if e.User != "" && e.Kind != evidence.KindOpened && e.Kind != evidence.KindClosed && !slices.Contains(r.Members, e.User) {
			r.Members = append(r.Members, e.User)
		}
		if !slices.Contains(attendance.Kinds, attendance.Kind(e.Kind)) {
			continue
		}
		r.EndTime = e.At.Unix()
		if e.Kind == evidence.KindJoined {
			entered[e.User] = true
			// Callbacks do not say that the caller joins.
			if r.AcceptTime == 0 && (len(entered) > 1 || e.Source == evidence.SourceCallback) {
				r.AcceptTime = e.At.Unix()
			}
		}
	}
	return r
}
