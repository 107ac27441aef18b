package tencentsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"aftercall/internal/tencent"
)

// recordFields is the order of the fields in Tencent's samples. D:68940
var recordFields = [...]string{
	"CallId", "Caller_Account", "MediaType", "CallType", "StartTime", "EndTime", "AcceptTime", "CallResult",
	"CalleeList_Account", "RoomId", "RoomIdType",
}

// endCallBody is the body of Call.CallbackAfterEndCall. EventTime is Unix ms. D:68940
func endCallBody(record json.RawMessage, eventTime int64) ([]byte, error) {
	return json.Marshal(struct {
		CallbackCommand tencent.Command
		CallRecord      json.RawMessage
		EventTime       int64
	}{tencent.CommandAfterEndCall, record, eventTime})
}

// overlay returns a record as JSON, with fields overridden by those of the
// partial records, in Tencent's order, and fields unknown to Tencent last.
func overlay(record tencent.CallRecord, partials ...json.RawMessage) (json.RawMessage, error) {
	plain, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	partials = slices.DeleteFunc(partials, func(p json.RawMessage) bool { return p == nil })
	if len(partials) == 0 {
		return plain, nil // in a burst, the rest is a tenth of what a callback costs its sender
	}
	fields := map[string]json.RawMessage{}
	for _, layer := range append([]json.RawMessage{plain}, partials...) {
		if err := json.Unmarshal(layer, &fields); err != nil {
			return nil, fmt.Errorf("partial record: %w", err)
		}
	}
	names := recordFields[:]
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(names, name) {
			names = append(slices.Clip(names), name)
		}
	}
	var out bytes.Buffer
	for i, name := range names {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		out.WriteByte(separator)
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("encode field name: %w", err)
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(fields[name])
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

type user struct {
	Account string `json:"User_Account"`
	Status  string `json:"Status,omitempty"`
	Action  string `json:"ActionType,omitempty"`
}

// startCallBody is the body of Call.CallbackAfterStartCall. D:68941
func startCallBody(r tencent.CallRecord) ([]byte, error) {
	type info struct {
		CallID     string            `json:"CallId"`
		MediaType  tencent.MediaType `json:"MediaType"`
		RoomID     tencent.RoomID    `json:"RoomId"`
		RoomIDType int               `json:"RoomIdType"`
	}
	users := make([]user, len(r.Members))
	for i, account := range r.Members {
		users[i] = user{Account: account, Status: "Calling"}
	}
	return json.Marshal(struct {
		CallbackCommand tencent.Command
		CallInfo        info
		UserList        []user
		EventTime       int64
	}{
		tencent.CommandAfterStartCall, info{r.CallID, r.MediaType, r.RoomID, r.RoomIDType}, users, r.StartTime * 1000,
	})
}

// memberChangedBody is the body of Call.CallbackAfterMemberChanged: what a member did, at
// Unix seconds. D:69215
func memberChangedBody(r tencent.CallRecord, at int64, member, action string) ([]byte, error) {
	users := []user{}
	for _, account := range r.Members {
		users = append(users, user{Account: account, Status: "Calling"})
	}
	return json.Marshal(struct {
		CallbackCommand tencent.Command
		CallID          string `json:"CallId"`
		UserList        []user
		ChangedUserList []user
		EventTime       int64
	}{tencent.CommandAfterMemberChanged, r.CallID, users, []user{{Account: member, Action: action}}, at * 1000})
}
