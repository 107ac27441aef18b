package tencent

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Command names a kind of callback. D:68933
type Command string

// The commands that Tencent posts to the one callback URL of an SDKAppID.
const (
	CommandAfterStartCall     Command = "Call.CallbackAfterStartCall"
	CommandAfterMemberChanged Command = "Call.CallbackAfterMemberChanged"
	CommandAfterEndCall       Command = "Call.CallbackAfterEndCall"
)

// Commands lists the commands in the order in which a call causes them.
var Commands = []Command{CommandAfterStartCall, CommandAfterMemberChanged, CommandAfterEndCall}

// commandPrefix starts every command of the Call product, future ones included.
const commandPrefix = "Call."

// MaxCallIDLength is the longest CallId that is accepted, in bytes. In Tencent's
// samples, CallIds are UUIDs of 36 bytes.
const MaxCallIDLength = 128

// Callback is a decoded callback.
type Callback struct {
	Command Command
	// CallID is never empty for CommandAfterEndCall. For other commands it is
	// empty if the body has none.
	CallID string
	// Record is the hint: what the callback claims about the call. Charges must be
	// based on the record API instead. It is set only for CommandAfterEndCall.
	Record CallRecord
	// EventTime is Unix milliseconds.
	EventTime int64
}

// EndedAt returns the end of the call in UTC. EndTime has whole seconds; EventTime
// adds the milliseconds if it is within the same second. Milliseconds matter
// because the record is fetched five seconds after the end: up to a second
// earlier it does not exist yet, and the records of all calls that ended in one
// second would be fetched at the same time.
func (c Callback) EndedAt() time.Time {
	ended, event := c.Record.EndedAt(), time.UnixMilli(c.EventTime).UTC()
	if event.Unix() == ended.Unix() {
		return event
	}
	return ended
}

// v1Problem is the answer to a callback of the older product generation.
const v1Problem = "this is a v1 callback, another product generation: start calls with the client API `calls` " +
	"and configure this URL through v4/call_config/set_callback, so that Call.CallbackAfterEndCall is sent instead"

// DecodeCallback decodes a callback and checks its query and body. Unknown fields
// and unknown values of MediaType, CallType and CallResult are accepted, because
// Tencent may add some at any time. Every error is a *FieldError.
func DecodeCallback(query Query, body []byte) (Callback, error) {
	var cb Callback
	command := query.command
	wire, err := decodeBody(command, body)
	if err != nil {
		return cb, err
	}
	if wire.StartCallTs != nil || (command == "" && wire.CallbackCommand == "" && query.v1Command != "") {
		return cb, &FieldError{"CallbackCommand", v1Problem}
	}
	if command == "" {
		return cb, &FieldError{"CallbackCommand", "missing from the query"}
	}
	if wire.CallbackCommand != "" && wire.CallbackCommand != command {
		return cb, &FieldError{"CallbackCommand", "the query and the body name different commands"}
	}
	if !strings.HasPrefix(command, commandPrefix) {
		return cb, &FieldError{"CallbackCommand", "not a command of the Call product: only Call.* belongs to this URL"}
	}
	cb.Command = Command(command)
	if cb.Command != CommandAfterEndCall {
		cb.CallID = otherCallID(body)
		return cb, nil
	}
	if wire.CallbackCommand == "" {
		return cb, &FieldError{"CallbackCommand", "missing from the body"}
	}
	if wire.CallRecord == nil {
		return cb, &FieldError{"CallRecord", "missing from the body"}
	}
	cb.Record, cb.EventTime, cb.CallID = *wire.CallRecord, wire.EventTime, wire.CallRecord.CallID
	return cb, ValidateCallID("CallRecord.CallId", cb.Record.CallID)
}

// wireBody is the body of CommandAfterEndCall.
type wireBody struct {
	CallbackCommand string      `json:"CallbackCommand"`
	CallRecord      *CallRecord `json:"CallRecord"`
	EventTime       int64       `json:"EventTime"`
	// StartCallTs exists only in v1 bodies.
	StartCallTs json.RawMessage `json:"StartCallTs"`
}

// decodeBody decodes the body of a callback. For commands other than
// CommandAfterEndCall it decodes only the fields that identify the command.
func decodeBody(command string, body []byte) (wire wireBody, err error) {
	if command == string(CommandAfterEndCall) {
		err = decodeStrictly(body, &wire)
	} else {
		var other struct {
			CallbackCommand string          `json:"CallbackCommand"`
			StartCallTs     json.RawMessage `json:"StartCallTs"`
		}
		err = decodeStrictly(body, &other)
		wire.CallbackCommand, wire.StartCallTs = other.CallbackCommand, other.StartCallTs
	}
	switch {
	case err == nil:
		return wire, nil
	case json.Valid(body) && !errors.As(err, new(*json.UnmarshalTypeError)):
		// The JSON is valid and the types match, so the error is from
		// RoomID.UnmarshalJSON.
		return wire, fieldError("CallRecord", err)
	}
	return wire, fieldError("body", err)
}

// otherCallID returns the CallId in the body of a command other than
// CommandAfterEndCall, and "" if there is none. D:68941, D:69215
func otherCallID(body []byte) string {
	var started struct {
		CallInfo struct {
			CallID string `json:"CallId"`
		}
	}
	var changed struct {
		CallID string `json:"CallId"`
	}
	// The CallId is used only for the workflow ID, so errors do not matter.
	_, _ = json.Unmarshal(body, &started), json.Unmarshal(body, &changed)
	id := cmp.Or(changed.CallID, started.CallInfo.CallID)
	if ValidateCallID("CallId", id) != nil {
		return ""
	}
	return id
}
