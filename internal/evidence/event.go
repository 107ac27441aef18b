// Package evidence keeps what Tencent says about who was in a call while it lasted:
// callbacks about its members, and webhooks of its room. Each event is kept once.
package evidence

import (
	"cmp"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// Source is the way by which an event came.
type Source string

// The sources. They are independent of each other: Tencent posts to the URL of
// callbacks for the call, and to that of webhooks for its room.
const (
	SourceCallback Source = "callback"
	SourceRoom     Source = "room"
)

// Sources lists the sources.
var Sources = []Source{SourceCallback, SourceRoom}

// Kind is what happened.
type Kind string

// The kinds of events.
const (
	// KindCalled: the call was started, and names the user. D:68941
	KindCalled Kind = "called"
	// KindInvited and KindUninvited: the user was asked to join, or is no more. D:69215
	KindInvited   Kind = "invited"
	KindUninvited Kind = "uninvited"
	// KindDeclined: the user rejected the call, or did not answer. D:69215
	KindDeclined Kind = "declined"
	// KindJoined: the user answered or joined (D:69215), or entered the room (D:39558).
	KindJoined Kind = "joined"
	// KindLeft: the user hung up (D:69215), or left the room (D:39558).
	KindLeft Kind = "left"
	// KindDropped: Tencent removed the user, about 90 s after the last heartbeat.
	KindDropped Kind = "dropped"
	// KindOpened and KindClosed: the room was created, or dismissed. D:39558
	KindOpened Kind = "opened"
	KindClosed Kind = "closed"
)

// MaxIDLength is the longest room or user of an event, in bytes. Tencent's own limits
// are 64 and 32.
const MaxIDLength = 256

// maxDetailLength is the longest detail that is kept, in bytes.
const maxDetailLength = 64

// Event is one thing that happened in a call. All fields but ID and Detail are its
// natural key: the same event again is a duplicate.
type Event struct {
	// ID is the store's; it is set when the event is read.
	ID       int64
	SDKAppID tencent.SDKAppID
	Source   Source
	// CallID is empty for SourceRoom, whose events name no call.
	CallID string
	// RoomID and RoomIDType (1 digit room, 2 string room) are empty and 0 where an event
	// names the call only.
	RoomID     tencent.RoomID
	RoomIDType int
	// User is empty for KindOpened and KindClosed without one.
	User string
	Kind Kind
	// At is when it happened, by Tencent's clock, in milliseconds.
	At time.Time
	// Detail is Tencent's own word or reason, as in Hangup; it may be empty.
	Detail string
}

// key is what makes an event the same as another one.
type key struct {
	app        tencent.SDKAppID
	source     Source
	callID     string
	roomID     tencent.RoomID
	roomIDType int
	user       string
	kind       Kind
	at         int64 // Unix milliseconds
}

func (e Event) key() key {
	return key{e.SDKAppID, e.Source, e.CallID, e.RoomID, e.RoomIDType, e.User, e.Kind, e.At.UnixMilli()}
}

// Validate returns a *tencent.FieldError for an event that the store cannot keep.
func (e Event) Validate() error {
	if e.SDKAppID == 0 {
		return &tencent.FieldError{Field: "SdkAppId", Problem: "must not be 0"}
	}
	if e.CallID == "" && e.RoomID == "" {
		return &tencent.FieldError{Field: "CallId", Problem: "must not be empty without a room"}
	}
	if e.RoomIDType < 0 || e.RoomIDType > 2 {
		return &tencent.FieldError{Field: "RoomIdType", Problem: "must be 1 or 2"}
	}
	if ms := e.At.UnixMilli(); ms <= 0 || ms/1000 > tencent.MaxTime {
		return &tencent.FieldError{Field: "EventTime", Problem: "is out of range: must be Unix milliseconds until the year 9999"}
	}
	if len(e.CallID) > tencent.MaxCallIDLength {
		return &tencent.FieldError{Field: "CallId", Problem: "is too long"}
	}
	for _, f := range []struct{ field, text string }{{"CallId", e.CallID}, {"RoomId", string(e.RoomID)}, {"UserId", e.User}} {
		switch {
		case len(f.text) > MaxIDLength:
			return &tencent.FieldError{Field: f.field, Problem: "must not be longer than 256 bytes"}
		case strings.ToValidUTF8(f.text, "") != f.text || strings.Contains(f.text, "\x00"):
			return &tencent.FieldError{Field: f.field, Problem: "must be UTF-8 without NUL"}
		}
	}
	return nil
}

// detail is what the store keeps of Detail.
func (e Event) detail() string {
	text := strings.ReplaceAll(strings.ToValidUTF8(e.Detail, "\uFFFD"), "\x00", "\uFFFD")
	if len(text) > maxDetailLength {
		text = strings.ToValidUTF8(text[:maxDetailLength], "")
	}
	return text
}

// compareKeys is an order of all keys.
func compareKeys(a, b key) int {
	return cmp.Or(
		cmp.Compare(a.app, b.app), cmp.Compare(a.callID, b.callID), cmp.Compare(a.roomID, b.roomID), cmp.Compare(a.roomIDType, b.roomIDType),
		cmp.Compare(a.at, b.at), cmp.Compare(a.source, b.source), cmp.Compare(a.kind, b.kind), cmp.Compare(a.user, b.user),
	)
}
