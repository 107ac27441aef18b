package tencent

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

// MediaType is the kind of media of a call. D:68940
type MediaType string

// The media types that Tencent documents.
const (
	MediaAudio MediaType = "Audio"
	MediaVideo MediaType = "Video"
)

// MediaTypes are the media types that Tencent documents.
var MediaTypes = []MediaType{MediaAudio, MediaVideo}

// CallType is the kind of a call: between two members or more. D:68940
type CallType string

// The call types that Tencent documents.
const (
	CallTypeSingle CallType = "SingleCall"
	CallTypeMulti  CallType = "MultiCall"
)

// CallResult is the disposition of a call. D:68940
type CallResult string

// The results that Tencent documents. Whether a call was connected follows from
// AcceptTime: calls that end with NormalEnd, Interrupt or Offline may have been.
const (
	ResultCancel    CallResult = "Cancel"
	ResultReject    CallResult = "Reject"
	ResultNotAnswer CallResult = "NotAnswer"
	ResultNormalEnd CallResult = "NormalEnd"
	ResultCallBusy  CallResult = "CallBusy"
	ResultInterrupt CallResult = "Interrupt"
	ResultOffline   CallResult = "Offline"
)

// CallResults are the results that Tencent documents.
var CallResults = []CallResult{
	ResultNormalEnd, ResultInterrupt, ResultOffline, ResultCancel, ResultReject, ResultNotAnswer, ResultCallBusy,
}

// Known reports whether Tencent documents the media type.
func (m MediaType) Known() bool { return slices.Contains(MediaTypes, m) }

// Known reports whether Tencent documents the call type.
func (t CallType) Known() bool { return t == CallTypeSingle || t == CallTypeMulti }

// Known reports whether Tencent documents the result.
func (r CallResult) Known() bool { return slices.Contains(CallResults, r) }

// CallRecord describes a call that has ended. The body of
// Call.CallbackAfterEndCall (D:68940) and the answer of the record API (D:68930)
// have the same eleven fields; only the latter may be charged.
type CallRecord struct {
	CallID    string    `json:"CallId"`
	Caller    string    `json:"Caller_Account"`
	MediaType MediaType `json:"MediaType"`
	CallType  CallType  `json:"CallType"`
	// StartTime, EndTime and AcceptTime are Unix seconds. AcceptTime is 0 if the
	// call was never connected.
	StartTime  int64      `json:"StartTime"`
	EndTime    int64      `json:"EndTime"`
	AcceptTime int64      `json:"AcceptTime"`
	Result     CallResult `json:"CallResult"`
	// Members is the member list; in Tencent's samples it includes the caller.
	Members    []string `json:"CalleeList_Account"`
	RoomID     RoomID   `json:"RoomId"`
	RoomIDType int      `json:"RoomIdType"`
	// MembersTotal is set where Members are only the first ones; see FirstMembers.
	// It is no field of Tencent's.
	MembersTotal int `json:"aftercall_members_total,omitempty"`
}

// FirstMembers returns the record with as many members as have no more than limit
// bytes together, and the number of all of them in MembersTotal if that is more.
func (r CallRecord) FirstMembers(limit int) CallRecord {
	for i, member := range r.Members {
		if limit -= len(member); limit < 0 {
			r.MembersTotal, r.Members = r.MemberCount(), slices.Clone(r.Members[:i])
			return r
		}
	}
	return r
}

// MemberCount is the number of members, including those that FirstMembers has left out.
func (r CallRecord) MemberCount() int { return max(len(r.Members), r.MembersTotal) }

// Connected reports whether the call was accepted.
func (r CallRecord) Connected() bool { return r.AcceptTime > 0 }

// ConnectedSeconds returns EndTime − AcceptTime in seconds, 0 if the call was not
// accepted. It is negative if the times are impossible; such a record must not be
// charged.
func (r CallRecord) ConnectedSeconds() int64 {
	if !r.Connected() {
		return 0
	}
	return r.EndTime - r.AcceptTime
}

// EndedAt returns EndTime in UTC.
func (r CallRecord) EndedAt() time.Time { return time.Unix(r.EndTime, 0).UTC() }

// RoomID is the room of a call. Tencent documents a string for both types of room
// ID. A JSON number is accepted too, digit for digit, since Tencent might send one
// for a digit room (RoomIdType 1).
type RoomID string

// UnmarshalJSON accepts a JSON string or number.
func (r *RoomID) UnmarshalJSON(data []byte) error {
	isString := bytes.HasPrefix(data, []byte(`"`))
	switch {
	case isString && !bytes.ContainsRune(data, '\\') && utf8.Valid(data):
		*r = RoomID(bytes.Trim(data, `"`)) // no escapes to decode
		return nil
	case isString, bytes.Equal(data, []byte("null")):
		return json.Unmarshal(data, (*string)(r))
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*r = RoomID(number)
	return nil
}
