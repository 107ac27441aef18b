package tencent

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// maxListed is the largest number of users in a body that are read, many times what a
// call can have.
const maxListed = 1000

// CallStart is what Call.CallbackAfterStartCall says. D:68941
type CallStart struct {
	CallID string
	// RoomID and RoomIDType are as in CallRecord; empty and 0 if the body has none.
	RoomID     RoomID
	RoomIDType int
	// Users are those of UserList: the caller, and who is called.
	Users []string
	// EventTime is Unix milliseconds.
	EventTime int64
}

// MemberChange is what Call.CallbackAfterMemberChanged says. D:69215
type MemberChange struct {
	CallID  string
	Changed []ChangedMember
	// EventTime is Unix milliseconds.
	EventTime int64
}

// ChangedMember is an item of ChangedUserList.
type ChangedMember struct {
	Account string
	// Action is Tencent's ActionType, as in Answer; pages spell some of them in two ways.
	Action string
}

// DecodeCallStart decodes the body of CommandAfterStartCall. Unknown fields are
// accepted. Every error is a *FieldError; if it is about RoomIdType or a user, the rest is
// decoded.
func DecodeCallStart(body []byte) (s CallStart, err error) {
	object, eventTime, err := decodeEventBody(body)
	if err != nil {
		return s, err
	}
	s.EventTime = eventTime
	info, err := objectIn(object, "CallInfo")
	if err != nil {
		return s, err
	}
	if s.CallID, err = callIDOf(info, "CallInfo.CallId"); err != nil {
		return s, err
	}
	room, roomType, err := roomIn(info, "CallInfo.RoomId")
	if err != nil {
		return s, err
	}
	value, problem := info.value("RoomIdType")
	stated, unreadable := decodeWhole(value)
	var first error
	switch {
	case problem != "" || unreadable != "" || stated < 0 || stated > 2:
		first = &FieldError{"CallInfo.RoomIdType", "must be 1 or 2"}
	case stated != 0:
		roomType = int(stated)
	}
	if s.RoomID = room; room != "" {
		s.RoomIDType = roomType
	}
	err = eachIn(object, "UserList", func(path string, item jsonObject) error {
		account, err := accountIn(item, path)
		if err == nil {
			s.Users = append(s.Users, account)
		}
		return err
	})
	return s, cmp.Or(first, err)
}

// DecodeMemberChange decodes the body of CommandAfterMemberChanged. Unknown fields and
// actions are accepted. Every error is a *FieldError; if it is about a user, the others
// are decoded.
func DecodeMemberChange(body []byte) (c MemberChange, err error) {
	object, eventTime, err := decodeEventBody(body)
	if err != nil {
		return c, err
	}
	c.EventTime = eventTime
	if c.CallID, err = callIDOf(object, "CallId"); err != nil {
		return c, err
	}
	err = eachIn(object, "ChangedUserList", func(path string, item jsonObject) error {
		account, err := accountIn(item, path)
		if err != nil {
			return err
		}
		value, problem := item.value("ActionType")
		action, unreadable := decodeText(value)
		if problem != "" || unreadable != "" {
			return &FieldError{path + ".ActionType", "must be a string"}
		}
		c.Changed = append(c.Changed, ChangedMember{account, action})
		return nil
	})
	return c, err
}

// decodeEventBody decodes the keys of a body and its EventTime, which says when the
// event happened.
func decodeEventBody(body []byte) (jsonObject, int64, error) {
	object, err := decodeBody(withoutBOM(body))
	if err != nil {
		return nil, 0, err
	}
	value, problem := object.value("EventTime")
	if problem == "" {
		var at int64
		if at, problem = decodeWhole(value); problem == "" {
			if problem = eventProblem(at); problem == "" {
				return object, at, nil
			}
		}
	}
	return nil, 0, &FieldError{"EventTime", problem}
}

// eventProblem says what is wrong with the time of an event in Unix milliseconds.
func eventProblem(ms int64) string {
	switch {
	case ms == 0:
		return "must not be missing: it says when it happened"
	case ms < 0 || eventTimeProblem(ms) != "":
		return "is out of range: must be Unix milliseconds until the year 9999"
	}
	return ""
}

func objectIn(object jsonObject, field string) (jsonObject, error) {
	value, problem := object.value(field)
	if problem != "" {
		return nil, &FieldError{field, problem}
	}
	inner, err := decodeObject(value)
	if err != nil {
		return nil, &FieldError{field, "must be an object" + butIs(value)}
	}
	return inner, nil
}

func callIDOf(object jsonObject, field string) (string, error) {
	value, problem := object.value("CallId")
	if problem != "" {
		return "", &FieldError{field, problem}
	}
	id, problem := decodeText(value)
	if problem != "" {
		return "", &FieldError{field, problem}
	}
	return id, ValidateCallID(field, id)
}

// roomIn reads RoomId, and the type of room that its form says: a number is a digit
// room, a string a string room. Both are zero if there is none.
func roomIn(object jsonObject, field string) (RoomID, int, error) {
	value, problem := object.value("RoomId")
	if problem != "" {
		return "", 0, &FieldError{field, problem}
	}
	switch jsonKind(value) {
	case "null":
		return "", 0, nil
	case "number":
		n, problem := decodeWhole(value)
		if problem != "" || n < 0 {
			return "", 0, &FieldError{field, "must be a whole number or a string"}
		}
		return RoomID(fmt.Sprint(n)), 1, nil
	case "string":
		text, problem := decodeText(value)
		if problem != "" {
			return "", 0, &FieldError{field, problem}
		}
		return RoomID(text), 2, nil
	}
	return "", 0, &FieldError{field, "must be a whole number or a string" + butIs(value)}
}

// eachIn calls do for each object of a list, which may be missing, and returns the first
// error.
func eachIn(object jsonObject, field string, do func(path string, item jsonObject) error) error {
	value, problem := object.value(field)
	if problem != "" {
		return &FieldError{field, problem}
	}
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil {
		return &FieldError{field, "must be a list" + butIs(value)}
	}
	if len(items) > maxListed {
		return &FieldError{field, fmt.Sprintf("must not have more than %d users", maxListed)}
	}
	var first error
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", field, i)
		user, err := decodeObject(item)
		if err != nil {
			err = &FieldError{path, "must be an object" + butIs(item)}
		} else {
			err = do(path, user)
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func accountIn(item jsonObject, path string) (string, error) {
	field := path + ".User_Account"
	value, problem := item.value("User_Account")
	if problem != "" {
		return "", &FieldError{field, problem}
	}
	account, problem := decodeText(value)
	switch {
	case problem != "":
		return "", &FieldError{field, problem}
	case account == "":
		return "", &FieldError{field, "must not be empty"}
	}
	return account, nil
}
