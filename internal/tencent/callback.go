package tencent

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Command names a kind of callback. D:68933
type Command string

// The commands that Tencent posts to the one callback URL of an SDKAppID.
const (
	CommandAfterStartCall     Command = "Call.CallbackAfterStartCall"
	CommandAfterMemberChanged Command = "Call.CallbackAfterMemberChanged"
	CommandAfterEndCall       Command = "Call.CallbackAfterEndCall"
)

// Commands are all of them, in the order in which a call makes them.
var Commands = []Command{CommandAfterStartCall, CommandAfterMemberChanged, CommandAfterEndCall}

// commandPrefix is common to every command of the Call product, known or to come.
const commandPrefix = "Call."

// MaxCallIDLength bounds a CallId in bytes. Tencent's samples are UUIDs of 36.
const MaxCallIDLength = 128

// Callback is one decoded callback.
type Callback struct {
	Command Command
	// CallID is empty where another command than CommandAfterEndCall names none.
	CallID string
	// Record is what the callback claims about the call. It is set for
	// CommandAfterEndCall only, and it is a hint: charge what the record API says.
	Record CallRecord
	// EventTime is Unix milliseconds.
	EventTime int64
}

// EndedAt is the end of the call in UTC. EndTime has whole seconds; EventTime,
// where it lies in that very second, tells the milliseconds. They matter: a
// record that appears five seconds after the end is not there when it is asked
// for up to a second early, and calls that ended in the same second would all
// be asked for at the same instant.
func (c Callback) EndedAt() time.Time {
	ended, event := c.Record.EndedAt(), time.UnixMilli(c.EventTime).UTC()
	if event.Unix() == ended.Unix() {
		return event
	}
	return ended
}

// FieldError says which field of a callback is wrong, how, and what would be right.
type FieldError struct {
	Field   string
	Problem string
}

// Error names the field first.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Answer is the JSON that Tencent expects in reply to every callback. D:68940
type Answer struct {
	ActionStatus string `json:"ActionStatus"`
	ErrorInfo    string `json:"ErrorInfo"`
	ErrorCode    int    `json:"ErrorCode"`
}

// AnswerOK tells Tencent that the callback was taken.
func AnswerOK() Answer { return Answer{ActionStatus: "OK"} }

// AnswerFail tells Tencent why the callback was not taken.
func AnswerFail(info string) Answer {
	return Answer{ActionStatus: "FAIL", ErrorInfo: info, ErrorCode: 1}
}

// Query is what a callback's URL says. Names are found without regard to case,
// because Tencent's pages spell SdkAppid in three ways.
type Query struct {
	sdkAppID, command, sign, requestTime string
	// v1Command is how the older product generation named the command.
	v1Command string
}

// ParseQuery reads a URL's query as it was sent. Of parameters that are given
// twice the first counts; what is not properly encoded is as good as missing.
func ParseQuery(raw string) Query {
	var q Query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		into := q.parameter(name)
		if into == nil || *into != "" || strings.Contains(value, ";") {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			*into = text
		}
	}
	return q
}

// parameter is where a parameter belongs, nil if it means nothing here.
func (q *Query) parameter(name string) *string {
	switch {
	case strings.EqualFold(name, "SdkAppid"):
		return &q.sdkAppID
	case strings.EqualFold(name, "CallbackCommand"):
		return &q.command
	case strings.EqualFold(name, "command"):
		return &q.v1Command
	case strings.EqualFold(name, "Sign"):
		return &q.sign
	case strings.EqualFold(name, "RequestTime"):
		return &q.requestTime
	}
	return nil
}

// SDKAppID is the app that a callback is about. The error is a *FieldError.
func (q Query) SDKAppID() (SDKAppID, error) {
	if q.sdkAppID == "" {
		return 0, &FieldError{"SdkAppid", "missing from the query"}
	}
	id, err := ParseSDKAppID(q.sdkAppID)
	if err != nil {
		return 0, &FieldError{"SdkAppid", "must be a whole number"}
	}
	return id, nil
}

// v1Problem is what a sender of the older product generation is told.
const v1Problem = "this is a v1 callback, another product generation: start calls with the client API `calls` " +
	"and configure this URL through v4/call_config/set_callback, so that Call.CallbackAfterEndCall is sent instead"

// DecodeCallback reads a callback from its query and body and checks
// everything that can be checked without asking anybody. Unknown fields and
// unknown values of MediaType, CallType and CallResult are tolerated, because
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

// wireBody is the body of CommandAfterEndCall, in one pass over the JSON.
type wireBody struct {
	CallbackCommand string      `json:"CallbackCommand"`
	CallRecord      *CallRecord `json:"CallRecord"`
	EventTime       int64       `json:"EventTime"`
	// StartCallTs exists only in v1 bodies.
	StartCallTs json.RawMessage `json:"StartCallTs"`
}

// decodeBody reads of another command's body only what tells what it is.
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
		// Only a field of the record has rules of its own.
		return wire, fieldError("CallRecord", err)
	}
	return wire, fieldError("body", err)
}

// otherCallID finds the CallId in the body of another command than
// CommandAfterEndCall; empty if there is none. D:68941, D:69215
func otherCallID(body []byte) string {
	var started struct {
		CallInfo struct {
			CallID string `json:"CallId"`
		}
	}
	var changed struct {
		CallID string `json:"CallId"`
	}
	// Nothing depends on it but the name of a workflow, so any body will do.
	_, _ = json.Unmarshal(body, &started), json.Unmarshal(body, &changed)
	id := cmp.Or(changed.CallID, started.CallInfo.CallID)
	if ValidateCallID("CallId", id) != nil {
		return ""
	}
	return id
}

// ValidateCallID refuses what cannot be a CallId: empty, longer than
// MaxCallIDLength bytes, not UTF-8, or with control characters. The error is a
// *FieldError about field.
func ValidateCallID(field, callID string) error {
	switch {
	case callID == "":
		return &FieldError{field, "must not be empty"}
	case len(callID) > MaxCallIDLength:
		return &FieldError{field, fmt.Sprintf("must not be longer than %d bytes", MaxCallIDLength)}
	case !utf8.ValidString(callID) || strings.ContainsRune(callID, utf8.RuneError):
		return &FieldError{field, "must be valid UTF-8"}
	case strings.IndexFunc(callID, unicode.IsControl) >= 0:
		return &FieldError{field, "must not contain control characters"}
	}
	return nil
}

var errTrailingData = errors.New("data after the JSON value")

// decodeStrictly decodes exactly one JSON value.
func decodeStrictly(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if syntax := new(json.SyntaxError); errors.As(err, &syntax) && strings.HasSuffix(err.Error(), "after top-level value") {
		return errTrailingData
	}
	return err
}

// fieldError turns an error of encoding/json into a *FieldError below parent.
// It repeats no value of the input, which may be somebody's account name.
func fieldError(parent string, err error) *FieldError {
	var typeErr *json.UnmarshalTypeError
	if !errors.As(err, &typeErr) {
		if errors.Is(err, errTrailingData) {
			return &FieldError{parent, "has " + errTrailingData.Error()}
		}
		return &FieldError{parent, "is not a JSON object"}
	}
	field := parent
	if typeErr.Field != "" {
		field = strings.TrimPrefix(parent+"."+typeErr.Field, "body.")
	}
	want := map[string]string{
		"string": "a string", "int64": "a whole number", "int": "a whole number", "slice": "a list of strings", "struct": "an object",
	}[typeErr.Type.Kind().String()]
	if want == "" {
		want = "of another type"
	}
	got, _, _ := strings.Cut(typeErr.Value, " ")
	return &FieldError{field, fmt.Sprintf("must be %s, not a JSON %s", want, got)}
}
