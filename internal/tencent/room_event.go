package tencent

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
)

// RoomEventType is what happened in a room. D:39558
type RoomEventType int64

// The types of events that say who was in a room. Others are about media and roles.
const (
	RoomCreated   RoomEventType = 101
	RoomDismissed RoomEventType = 102
	RoomEntered   RoomEventType = 103
	RoomLeft      RoomEventType = 104
)

// ReasonTimeout is the Reason of RoomLeft for a member whose connection was lost: D:39558
// calls it a timeout. Tencent removes such a member after about 90 s. C:80459
const ReasonTimeout = 2

// aboutMembers says that the type is one of those that say who was in a room.
func (t RoomEventType) aboutMembers() bool {
	return slices.Contains([]RoomEventType{RoomCreated, RoomDismissed, RoomEntered, RoomLeft}, t)
}

// RoomEvent is a webhook of a room. D:39558
type RoomEvent struct {
	Type RoomEventType
	// The other fields are zero for types that are not about members.

	RoomID RoomID
	// RoomIDType is 1 if RoomId is a number and 2 if it is a string, which is how Tencent's
	// samples tell the two types of rooms apart; that this is always so is inferred.
	RoomIDType int
	// UserID can be empty for RoomCreated and RoomDismissed.
	UserID string
	// EventTime is EventMsTs, or EventTs if there is none, in Unix milliseconds.
	EventTime int64
	// Reason is why a member entered or left: 1 in the ordinary way. 0 is none.
	Reason int64
}

// DecodeRoomEvent decodes the body of a room's webhook. Unknown types and fields are
// accepted. Every error is a *FieldError.
func DecodeRoomEvent(body []byte) (e RoomEvent, err error) {
	object, err := decodeBody(withoutBOM(body))
	if err != nil {
		return e, err
	}
	value, problem := object.value("EventType")
	if problem == "" {
		var n int64
		if n, problem = decodeWhole(value); problem == "" && n <= 0 {
			problem = "must not be missing"
		}
		e.Type = RoomEventType(n)
	}
	if problem != "" {
		return e, &FieldError{"EventType", problem}
	}
	if !e.Type.aboutMembers() {
		return RoomEvent{Type: e.Type}, nil
	}
	info, err := objectIn(object, "EventInfo")
	if err != nil {
		return e, err
	}
	if e.RoomID, e.RoomIDType, err = roomIn(info, "EventInfo.RoomId"); err != nil {
		return e, err
	}
	if e.RoomID == "" {
		return e, &FieldError{"EventInfo.RoomId", "must not be empty"}
	}
	if e.EventTime, err = roomTime(info); err != nil {
		return e, err
	}
	if value, problem = info.value("UserId"); problem == "" {
		e.UserID, problem = decodeText(value)
	}
	switch {
	case problem != "":
		return e, &FieldError{"EventInfo.UserId", problem}
	case e.UserID == "" && (e.Type == RoomEntered || e.Type == RoomLeft):
		return e, &FieldError{"EventInfo.UserId", "must not be empty"}
	}
	// A reason says nothing about who was in the room: one that cannot be read is none.
	if value, problem = info.value("Reason"); problem == "" {
		if reason, unreadable := decodeWhole(value); unreadable == "" {
			e.Reason = reason
		}
	}
	return e, nil
}

// roomTime is when the event happened, in Unix milliseconds.
func roomTime(info jsonObject) (int64, error) {
	for _, f := range []struct {
		name string
		unit int64 // in milliseconds
	}{{"EventMsTs", 1}, {"EventTs", 1000}} {
		value, problem := info.value(f.name)
		var n int64
		if problem == "" {
			n, problem = decodeWhole(value)
		}
		switch {
		case problem != "":
			return 0, &FieldError{"EventInfo." + f.name, problem}
		case n == 0:
			continue
		case n < 0 || n > MaxTime*1000/f.unit:
			return 0, &FieldError{"EventInfo." + f.name, "is out of range"}
		}
		return n * f.unit, nil
	}
	return 0, &FieldError{"EventInfo.EventMsTs", eventProblem(0)}
}

// RoomSign computes the header Sign of a room's webhook from a key and the body as it
// came: base64 of HMAC-SHA256. D:54912
func RoomSign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// VerifyRoomSign checks the header Sign, and returns the index of the key that made it.
// Comparing takes the same time for each of them. Every error is a *FieldError.
func VerifyRoomSign(sign string, keys []string, body []byte) (signer int, err error) {
	if sign == "" {
		return 0, &FieldError{"Sign", "missing from the headers"}
	}
	signer = -1
	for i, key := range keys {
		matches := subtle.ConstantTimeCompare([]byte(sign), []byte(RoomSign(key, body)))
		signer = subtle.ConstantTimeSelect(matches, i, signer)
	}
	if signer < 0 {
		return 0, &FieldError{"Sign", "does not match a configured room_key"}
	}
	return signer, nil
}
