package tencent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
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
	// Dropped are the fields that could not be read and were left out of the hint,
	// by their JSON keys, each once.
	Dropped []string
}

// EndedAt returns the end of the call in UTC. EndTime has whole seconds; EventTime
// adds the milliseconds if it is within the same second, and replaces an EndTime
// that could not be read. Milliseconds matter because the record is fetched five
// seconds after the end: up to a second earlier it does not exist yet, and the
// records of all calls that ended in one second would be fetched at the same time.
func (c Callback) EndedAt() time.Time {
	ended, event := c.Record.EndedAt(), time.UnixMilli(c.EventTime).UTC()
	if event.Unix() == ended.Unix() || (c.Record.EndTime == 0 && slices.Contains(c.Dropped, "EndTime")) {
		return event
	}
	return ended
}

// v1Problem is the answer to a callback of the older product generation.
const v1Problem = "this is a v1 callback, another product generation: start calls with the client API `calls` " +
	"and configure this URL through v4/call_config/set_callback, so that Call.CallbackAfterEndCall is sent instead"

// DecodeCallback decodes a callback and checks its query and body. A callback is a
// hint: only its command and CallId must be readable. Other fields that cannot be
// read are left out and listed in Dropped; see DecodeRecord for what can be read.
// Unknown fields and values are accepted, because Tencent may add some at any time.
// Every error is a *FieldError.
func DecodeCallback(query Query, body []byte) (Callback, error) {
	if query.conflicts(&query.command) {
		return Callback{}, &FieldError{"CallbackCommand", differentValues}
	}
	if cb, ok := decodeDocumented(query, body); ok {
		return cb, nil
	}
	return decodeTolerantly(query, withoutBOM(body))
}

// decodeDocumented decodes a callback of CommandAfterEndCall that is exactly as
// documented; ok is false for any other.
func decodeDocumented(query Query, body []byte) (cb Callback, ok bool) {
	if query.command != string(CommandAfterEndCall) {
		return cb, false
	}
	var wire struct {
		CallbackCommand string          `json:"CallbackCommand"`
		CallRecord      *CallRecord     `json:"CallRecord"`
		EventTime       int64           `json:"EventTime"`
		StartCallTs     json.RawMessage `json:"StartCallTs"`
	}
	if json.Unmarshal(body, &wire) != nil || wire.CallbackCommand != query.command || wire.CallRecord == nil ||
		wire.StartCallTs != nil || !wire.CallRecord.acceptable() || eventTimeProblem(wire.EventTime) != "" ||
		ValidateCallID("", wire.CallRecord.CallID) != nil || bytes.Count(body, []byte(`"CallId"`)) != 1 {
		return cb, false
	}
	return Callback{
		Command: CommandAfterEndCall, CallID: wire.CallRecord.CallID, Record: *wire.CallRecord, EventTime: wire.EventTime,
	}, true
}

func eventTimeProblem(ms int64) string { return timeProblem(ms / 1000) }

// decodeTolerantly decodes each field of a callback on its own.
func decodeTolerantly(query Query, body []byte) (cb Callback, err error) {
	object, err := decodeBody(body)
	if err != nil {
		return cb, err
	}
	record, problem := object.value("CallRecord")
	v1, _ := object.value("StartCallTs")
	if len(v1) > 0 && !isNull(v1) && problem == "" && isNull(record) {
		return cb, &FieldError{"CallbackCommand", v1Problem}
	}
	if cb.Command, err = cb.decodeCommand(query, object); err != nil {
		return cb, err
	}
	if cb.Command != CommandAfterEndCall {
		cb.CallID = otherCallID(object)
		return cb, nil
	}
	switch {
	case problem != "":
		return cb, &FieldError{"CallRecord", problem}
	case isNull(record):
		return cb, &FieldError{"CallRecord", "missing from the body"}
	case jsonKind(record) != "object":
		return cb, &FieldError{"CallRecord", "must be an object" + butIs(record)}
	}
	var problems []FieldError
	cb.Record, problems = DecodeRecord(record)
	for _, p := range problems {
		if p.Field == "CallId" {
			return cb, &FieldError{"CallRecord.CallId", p.Problem}
		}
		name, _, _ := strings.Cut(p.Field, "[")
		cb.drop(name)
	}
	cb.CallID = cb.Record.CallID
	if err := ValidateCallID("CallRecord.CallId", cb.CallID); err != nil {
		return cb, err
	}
	event, problem := object.value("EventTime")
	if problem == "" {
		cb.EventTime, problem = decodeWhole(event)
	}
	if problem != "" || eventTimeProblem(cb.EventTime) != "" {
		cb.EventTime = 0
		cb.drop("EventTime")
	}
	return cb, nil
}

// drop notes that a field is left out of the hint.
func (c *Callback) drop(field string) {
	if !slices.Contains(c.Dropped, field) {
		c.Dropped = append(c.Dropped, field)
	}
}

// decodeCommand returns the command, which either the query or the body may lack.
func (c *Callback) decodeCommand(query Query, object jsonObject) (Command, error) {
	value, problem := object.value("CallbackCommand")
	var text string
	switch kind := jsonKind(value); {
	case problem != "" || kind == "null":
	case kind == "string":
		text, problem = decodeText(value)
	default:
		problem = "must be a string" + butIs(value)
	}
	inQuery, inBody := parseCommand(query.command), parseCommand(text)
	switch {
	case problem != "" && inQuery == "":
		return "", &FieldError{"CallbackCommand", problem}
	case problem != "":
		c.drop("CallbackCommand")
	case inQuery == "" && inBody == "" && query.v1Command != "":
		return "", &FieldError{"CallbackCommand", v1Problem}
	case inQuery == "" && inBody == "":
		return "", &FieldError{"CallbackCommand", "missing from the query and the body"}
	case inQuery != "" && inBody != "" && inQuery != inBody:
		return "", &FieldError{"CallbackCommand", "the query and the body name different commands"}
	}
	command := cmp.Or(inQuery, inBody)
	if !strings.HasPrefix(string(command), commandPrefix) {
		return "", &FieldError{"CallbackCommand", "not a command of the Call product: only Call.* belongs to this URL"}
	}
	return command, nil
}

// parseCommand ignores white space around a command, and its case if Tencent
// documents it.
func parseCommand(text string) Command {
	text = strings.TrimSpace(text)
	for _, command := range Commands {
		if strings.EqualFold(text, string(command)) {
			return command
		}
	}
	return Command(text)
}

// decodeBody decodes the keys of a body, which must be exactly one JSON object.
func decodeBody(body []byte) (jsonObject, error) {
	var whole json.RawMessage
	err := decodeStrictly(body, &whole)
	if escaped := escapeControls(body); err != nil && escaped != nil {
		body = escaped
		err = decodeStrictly(body, &whole)
	}
	if err != nil {
		return nil, syntaxError("body", body, err)
	}
	object, err := decodeObject(whole)
	if err != nil {
		return nil, &FieldError{"body", "must be an object" + butIs(whole)}
	}
	return object, nil
}

// otherCallID returns the CallId in the body of a command other than
// CommandAfterEndCall, and "" if there is none. D:68941, D:69215
func otherCallID(object jsonObject) string {
	id := callIDIn(object)
	if started, _ := object.value("CallInfo"); id == "" {
		if info, err := decodeObject(started); err == nil {
			id = callIDIn(info)
		}
	}
	if ValidateCallID("CallId", id) != nil {
		return ""
	}
	return id
}

func callIDIn(object jsonObject) string {
	value, problem := object.value("CallId")
	if problem != "" {
		return ""
	}
	id, _ := decodeText(value)
	return id
}
