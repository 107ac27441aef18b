package tencent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	callStarted = `{"CallbackCommand":"Call.CallbackAfterStartCall","CallInfo":{"CallId":"c-1","MediaType":"Video","ChatGroupId":"g","RoomId":"room-1","RoomIdType":2},
"UserList":[{"User_Account":"alice","Status":"Calling"},{"User_Account":"bob","Status":"Calling"}],"EventTime":1741231146000}`
	memberChanged = `{"CallbackCommand":"Call.CallbackAfterMemberChanged","CallId":"c-1","UserList":[{"User_Account":"alice","Status":"Calling"}],
"ChangedUserList":[{"User_Account":"bob","ActionType":"Answer"},{"User_Account":"carol","ActionType":"Hang Up"}],"EventTime":1741231147000}`
)

func TestDecodeCallStart(t *testing.T) {
	want := CallStart{CallID: "c-1", RoomID: "room-1", RoomIDType: 2, Users: []string{"alice", "bob"}, EventTime: 1741231146000}
	for name, c := range map[string]struct {
		body   string
		change func(*CallStart)
	}{
		"as documented":    {callStarted, func(*CallStart) {}},
		"digit room":       {strings.Replace(callStarted, `"room-1","RoomIdType":2`, `12345,"RoomIdType":1`, 1), func(s *CallStart) { s.RoomID, s.RoomIDType = "12345", 1 }},
		"digits as text":   {strings.Replace(callStarted, `"room-1","RoomIdType":2`, `"12345","RoomIdType":1`, 1), func(s *CallStart) { s.RoomID, s.RoomIDType = "12345", 1 }},
		"no type of room":  {strings.Replace(callStarted, `,"RoomIdType":2`, ``, 1), func(*CallStart) {}},
		"no room":          {strings.Replace(callStarted, `"RoomId":"room-1",`, ``, 1), func(s *CallStart) { s.RoomID, s.RoomIDType = "", 0 }},
		"nobody":           {strings.Replace(callStarted, `"UserList"`, `"Users"`, 1), func(s *CallStart) { s.Users = nil }},
		"account a number": {strings.Replace(callStarted, `"alice"`, `10001`, 1), func(s *CallStart) { s.Users[0] = "10001" }},
	} {
		want := want
		want.Users = []string{"alice", "bob"}
		c.change(&want)
		got, err := DecodeCallStart([]byte(c.body))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	odd, err := DecodeCallStart([]byte(strings.Replace(callStarted, `"RoomIdType":2`, `"RoomIdType":3`, 1)))
	require.Error(t, err)
	require.Equal(t, CallStart{CallID: "c-1", RoomID: "room-1", RoomIDType: 2, Users: []string{"alice", "bob"}, EventTime: 1741231146000}, odd, "the rest is read")
	for body, field := range map[string]string{
		`x`: "body",
		strings.Replace(callStarted, `"EventTime":1741231146000`, `"EventTime":0`, 1):    "EventTime",
		strings.Replace(callStarted, `"EventTime":1741231146000`, `"EventTime":9e18`, 1): "EventTime",
		strings.Replace(callStarted, `"EventTime"`, `"Time"`, 1):                         "EventTime",
		strings.Replace(callStarted, `"CallInfo"`, `"Info"`, 1):                          "CallInfo",
		strings.Replace(callStarted, `"c-1"`, `""`, 1):                                   "CallInfo.CallId",
		strings.Replace(callStarted, `"RoomIdType":2`, `"RoomIdType":3`, 1):              "CallInfo.RoomIdType",
		strings.Replace(callStarted, `"room-1"`, `[]`, 1):                                "CallInfo.RoomId",
		strings.Replace(callStarted, `[{"User_Account":"alice"`, `["x",{"a":"alice"`, 1): "UserList[0]",
		strings.Replace(callStarted, `"alice"`, `null`, 1):                               "UserList[0].User_Account",
	} {
		_, err := DecodeCallStart([]byte(body))
		requireField(t, err, field)
	}
}

func TestDecodeMemberChange(t *testing.T) {
	got, err := DecodeMemberChange([]byte(memberChanged))
	require.NoError(t, err)
	require.Equal(t, MemberChange{CallID: "c-1", Changed: []ChangedMember{{"bob", "Answer"}, {"carol", "Hang Up"}}, EventTime: 1741231147000}, got)
	got, err = DecodeMemberChange([]byte(`{"CallId":"c","EventTime":1,"ChangedUserList":[{"User_Account":"u"}]}`))
	require.NoError(t, err)
	require.Equal(t, []ChangedMember{{"u", ""}}, got.Changed)
	for body, field := range map[string]string{
		`[]`: "body",
		strings.Replace(memberChanged, `"CallId":"c-1"`, `"CallId":{}`, 1):                                              "CallId",
		strings.Replace(memberChanged, `"c-1"`, `"`+strings.Repeat("x", 129)+`"`, 1):                                    "CallId",
		strings.Replace(memberChanged, `1741231147000`, `"later"`, 1):                                                   "EventTime",
		strings.Replace(memberChanged, `"ChangedUserList":[`, `"ChangedUserList":7,"x":[`, 1):                           "ChangedUserList",
		strings.Replace(memberChanged, `"Hang Up"`, `{}`, 1):                                                            "ChangedUserList[1].ActionType",
		strings.Replace(memberChanged, `"carol"`, `"`+strings.Repeat("x", MaxTextLength+1)+`"`, 1):                      "ChangedUserList[1].User_Account",
		`{"CallId":"c","EventTime":1,"ChangedUserList":[` + strings.Repeat(`{"User_Account":"u"},`, maxListed) + `{}]}`: "ChangedUserList",
	} {
		_, err := DecodeMemberChange([]byte(body))
		requireField(t, err, field)
	}
}

func requireField(t *testing.T, err error, field string) {
	t.Helper()
	var problem *FieldError
	require.ErrorAs(t, err, &problem, field)
	require.Equal(t, field, problem.Field)
	for _, account := range []string{"alice", "bob", "carol"} {
		require.NotContains(t, err.Error(), account)
	}
}
