package tencent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// MediaType says what a call carried. D:68940
type MediaType string

// The media types that Tencent documents.
const (
	MediaAudio MediaType = "Audio"
	MediaVideo MediaType = "Video"
)

// MediaTypes are the media types that Tencent documents.
var MediaTypes = []MediaType{MediaAudio, MediaVideo}

// CallType says whether a call was one to one. D:68940
type CallType string

// The call types that Tencent documents.
const (
	CallTypeSingle CallType = "SingleCall"
	CallTypeMulti  CallType = "MultiCall"
)

// CallResult is the disposition of an ended call. D:68940
type CallResult string

// The results that Tencent documents. NormalEnd, Interrupt and Offline can be
// connected calls; AcceptTime decides, not the result.
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

// CallRecord is what Tencent keeps of an ended call: the body of
// Call.CallbackAfterEndCall (D:68940) and the answer of the record API
// (D:68930) have the same eleven fields. Only the latter may be charged.
type CallRecord struct {
	CallID    string    `json:"CallId"`
	Caller    string    `json:"Caller_Account"`
	MediaType MediaType `json:"MediaType"`
	CallType  CallType  `json:"CallType"`
	// StartTime, EndTime and AcceptTime are Unix seconds. AcceptTime 0 means
	// that the call was never connected.
	StartTime  int64      `json:"StartTime"`
	EndTime    int64      `json:"EndTime"`
	AcceptTime int64      `json:"AcceptTime"`
	Result     CallResult `json:"CallResult"`
	// Members is the member list; in Tencent's samples it includes the caller.
	Members    []string `json:"CalleeList_Account"`
	RoomID     RoomID   `json:"RoomId"`
	RoomIDType int      `json:"RoomIdType"`
}

// Connected reports whether the call was ever accepted.
func (r CallRecord) Connected() bool { return r.AcceptTime > 0 }

// ConnectedSeconds is EndTime − AcceptTime in seconds, 0 for a call that was
// never accepted. It is negative for a record with impossible times, which
// must not be charged.
func (r CallRecord) ConnectedSeconds() int64 {
	if !r.Connected() {
		return 0
	}
	return r.EndTime - r.AcceptTime
}

// EndedAt is EndTime as an instant in UTC.
func (r CallRecord) EndedAt() time.Time { return time.Unix(r.EndTime, 0).UTC() }

// RoomID is the room of a call. Tencent documents a string for both room ID
// types; a bare number is accepted too, digit for digit, because a digit room
// (RoomIdType 1) invites one.
type RoomID string

// UnmarshalJSON accepts a JSON string or a whole JSON number.
func (r *RoomID) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] != '"' && !bytes.Equal(data, []byte("null")) {
		var n json.Number
		if err := json.Unmarshal(data, &n); err != nil {
			return err
		}
		if _, err := ParseSDKAppID(n.String()); err != nil {
			return fmt.Errorf("RoomId must be a string or a whole number, not %s", n)
		}
		*r = RoomID(n.String())
		return nil
	}
	if len(data) > 0 && data[0] == '"' && bytes.IndexByte(data, '\\') < 0 && utf8.Valid(data) {
		*r = RoomID(bytes.Trim(data, `"`)) // nothing in it to decode
		return nil
	}
	return json.Unmarshal(data, (*string)(r))
}
