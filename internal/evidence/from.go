package evidence

import (
	"strconv"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// actions are the kinds of ActionType. Tencent's pages spell some of them in two ways.
// D:69215
var actions = map[string]Kind{
	"answer":        KindJoined,
	"accept":        KindJoined,
	"join":          KindJoined,
	"hangup":        KindLeft,
	"offline":       KindDropped,
	"reject":        KindDeclined,
	"notanswer":     KindDeclined,
	"invite":        KindInvited,
	"invited":       KindInvited,
	"cancelinvite":  KindUninvited,
	"canncelinvite": KindUninvited,
}

// action returns the kind of an ActionType; ok is false for one that is not known.
func action(text string) (kind Kind, ok bool) {
	kind, ok = actions[strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(text))]
	return kind, ok
}

// FromCallStart returns the events that Call.CallbackAfterStartCall is about: one for
// each user. D:68941
func FromCallStart(app tencent.SDKAppID, s tencent.CallStart) []Event {
	events := make([]Event, len(s.Users))
	for i, user := range s.Users {
		events[i] = Event{
			SDKAppID: app, Source: SourceCallback, CallID: s.CallID, RoomID: s.RoomID, RoomIDType: s.RoomIDType,
			User: user, Kind: KindCalled, At: time.UnixMilli(s.EventTime).UTC(),
		}
	}
	return events
}

// FromMemberChange returns the events that Call.CallbackAfterMemberChanged is about, none
// for actions that are not known. D:69215
func FromMemberChange(app tencent.SDKAppID, c tencent.MemberChange) []Event {
	var events []Event
	for _, changed := range c.Changed {
		if kind, ok := action(changed.Action); ok {
			events = append(events, Event{
				SDKAppID: app, Source: SourceCallback, CallID: c.CallID, User: changed.Account, Kind: kind,
				At: time.UnixMilli(c.EventTime).UTC(), Detail: changed.Action,
			})
		}
	}
	return events
}

// FromRoom returns the event that a room's webhook is about, none for one about media
// or roles. D:39558
func FromRoom(app tencent.SDKAppID, r tencent.RoomEvent) []Event {
	kind, ok := map[tencent.RoomEventType]Kind{
		tencent.RoomCreated: KindOpened, tencent.RoomDismissed: KindClosed, tencent.RoomEntered: KindJoined, tencent.RoomLeft: KindLeft,
	}[r.Type]
	if !ok {
		return nil
	}
	if r.Type == tencent.RoomLeft && r.Reason == tencent.ReasonTimeout {
		kind = KindDropped
	}
	e := Event{
		SDKAppID: app, Source: SourceRoom, RoomID: r.RoomID, RoomIDType: r.RoomIDType, User: r.UserID, Kind: kind,
		At: time.UnixMilli(r.EventTime).UTC(),
	}
	if r.Reason != 0 {
		e.Detail = strconv.FormatInt(r.Reason, 10)
	}
	return []Event{e}
}
