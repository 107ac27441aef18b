package tencent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// entered and left are Tencent's samples. D:39558
const (
	entered = `{"EventGroupId":1,"EventType":103,"CallbackTs":1687770731932,"EventInfo":{"RoomId":12345,"EventTs":1687770731,"EventMsTs":1687770731831,"UserId":"test","Role":21,"TerminalType":2,"UserType":3,"Reason":1}}`
	left    = `{"EventGroupId":1,"EventType":104,"CallbackTs":1687770731922,"EventInfo":{"RoomId":12345,"EventTs":1687770731,"EventMsTs":1687770731898,"UserId":"test","Role":20,"Reason":1}}`
	roomKey = "7vFkx09wKq3ZtLrB"
)

// TestRoomSign: the signatures were computed with Python's hmac. They are over the bytes
// as they came, white space included.
func TestRoomSign(t *testing.T) {
	// Tencent's own example. D:54912
	require.Equal(t, "kkoFeO3Oh2ZHnjtg8tEAQhtXK16/KI05W3BQff8IvGA=", RoomSign("123654", []byte("{\n\t\"EventGroupId\":\t2,\n\t\"EventType\":\t204,\n"+
		"\t\"CallbackTs\":\t1664209748188,\n\t\"EventInfo\":\t{\n\t\t\"RoomId\":\t8489,\n\t\t\"EventTs\":\t1664209748,\n\t\t\"EventMsTs\":\t1664209748180,\n"+
		"\t\t\"UserId\":\t\"user_85034614\",\n\t\t\"Reason\":\t0\n\t}\n}")))
	for body, sign := range map[string]string{
		entered: "DT7/pQvwadsStZuWOLlyNa37zkapw6Inhp2LFUiMloc=",
		"{\n\t\"EventGroupId\":\t1,\n\t\"EventType\":\t103\n}\n": "ivII+sK/0uTZBn9M77Hz8/vlNfiosF8xUqNPPXcP+fc=",
	} {
		require.Equal(t, sign, RoomSign(roomKey, []byte(body)))
		for i, keys := range [][]string{{roomKey}, {"another", roomKey}} {
			signer, err := VerifyRoomSign(sign, keys, []byte(body))
			require.NoError(t, err)
			require.Equal(t, i, signer)
		}
		for name, refused := range map[string]func() (int, error){
			"another body":   func() (int, error) { return VerifyRoomSign(sign, []string{roomKey}, []byte(body+" ")) },
			"another key":    func() (int, error) { return VerifyRoomSign(sign, []string{"another"}, []byte(body)) },
			"no key":         func() (int, error) { return VerifyRoomSign(sign, nil, []byte(body)) },
			"no signature":   func() (int, error) { return VerifyRoomSign("", []string{roomKey}, []byte(body)) },
			"other alphabet": func() (int, error) { return VerifyRoomSign(strings.ToLower(sign), []string{roomKey}, []byte(body)) },
		} {
			_, err := refused()
			var field *FieldError
			require.ErrorAs(t, err, &field, name)
			require.Equal(t, "Sign", field.Field, name)
		}
	}
}

func TestDecodeRoomEvent(t *testing.T) {
	in := func(info string) string { return `{"EventType":103,"EventInfo":{` + info + `}}` }
	for name, c := range map[string]struct {
		body string
		want RoomEvent
	}{
		"Tencent's sample of entering": {entered, RoomEvent{RoomEntered, "12345", 1, "test", 1687770731831, 1}},
		"Tencent's sample of leaving":  {left, RoomEvent{RoomLeft, "12345", 1, "test", 1687770731898, 1}},
		"string room":                  {in(`"RoomId":"room-1","EventMsTs":1,"UserId":"u"`), RoomEvent{RoomEntered, "room-1", 2, "u", 1, 0}},
		"string room of digits":        {in(`"RoomId":"12345","EventMsTs":1,"UserId":"u"`), RoomEvent{RoomEntered, "12345", 2, "u", 1, 0}},
		"no milliseconds":              {in(`"RoomId":1,"EventTs":1687770731,"UserId":"u"`), RoomEvent{RoomEntered, "1", 1, "u", 1687770731000, 0}},
		"numbers as text":              {`{"EventType":"103","EventInfo":{"RoomId":1,"EventMsTs":"1687770731831","UserId":7}}`, RoomEvent{RoomEntered, "1", 1, "7", 1687770731831, 0}},
		"unreadable reason":            {in(`"RoomId":1,"EventMsTs":1,"UserId":"u","Reason":{}`), RoomEvent{RoomEntered, "1", 1, "u", 1, 0}},
		"new fields":                   {in(`"RoomId":1,"EventMsTs":1,"UserId":"u","New":[{}]`), RoomEvent{RoomEntered, "1", 1, "u", 1, 0}},
		"created by nobody":            {`{"EventType":101,"EventInfo":{"RoomId":1,"EventMsTs":1}}`, RoomEvent{RoomCreated, "1", 1, "", 1, 0}},
		"dismissed":                    {`{"EventType":102,"EventInfo":{"RoomId":1,"EventMsTs":1,"UserId":"u"}}`, RoomEvent{RoomDismissed, "1", 1, "u", 1, 0}},
		"video":                        {`{"EventGroupId":2,"EventType":201}`, RoomEvent{Type: 201}},
		"role":                         {`{"EventGroupId":1,"EventType":105,"EventInfo":{}}`, RoomEvent{Type: 105}},
		"a new type":                   {`{"EventType":999,"EventInfo":"?"}`, RoomEvent{Type: 999}},
		"byte order mark":              {"\xef\xbb\xbf" + entered, RoomEvent{RoomEntered, "12345", 1, "test", 1687770731831, 1}},
	} {
		got, err := DecodeRoomEvent([]byte(c.body))
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestDecodeRoomEventRefuses(t *testing.T) {
	for body, field := range map[string]string{
		``:                  "body",
		`[]`:                "body",
		entered + entered:   "body",
		`{}`:                "EventType",
		`{"EventType":-1}`:  "EventType",
		`{"EventType":1.5}`: "EventType",
		`{"EventType":103}`: "EventInfo",
		strings.Replace(entered, `12345`, `""`, 1):                     "EventInfo.RoomId",
		strings.Replace(entered, `12345`, `-1`, 1):                     "EventInfo.RoomId",
		strings.Replace(entered, `12345`, `1.5`, 1):                    "EventInfo.RoomId",
		strings.Replace(entered, `12345`, `{}`, 1):                     "EventInfo.RoomId",
		strings.Replace(entered, `12345`, `1,"RoomId":2`, 1):           "EventInfo.RoomId",
		strings.Replace(entered, `1687770731831`, `"soon"`, 1):         "EventInfo.EventMsTs",
		strings.Replace(entered, `1687770731831`, `-1`, 1):             "EventInfo.EventMsTs",
		strings.Replace(entered, `1687770731831`, `9e18`, 1):           "EventInfo.EventMsTs",
		`{"EventType":104,"EventInfo":{"RoomId":1,"UserId":"u"}}`:      "EventInfo.EventMsTs",
		`{"EventType":104,"EventInfo":{"RoomId":1,"EventTs":9e17}}`:    "EventInfo.EventTs",
		`{"EventType":104,"EventInfo":{"RoomId":1,"EventMsTs":1}}`:     "EventInfo.UserId",
		strings.Replace(entered, `"test"`, `["test"]`, 1):              "EventInfo.UserId",
		strings.Replace(entered, `"test"`, `"a\u0000"`, 1):             "EventInfo.UserId",
		strings.Replace(entered, `"UserId"`, `"userid":1,"UserId"`, 1): "EventInfo.UserId",
	} {
		_, err := DecodeRoomEvent([]byte(body))
		var problem *FieldError
		require.ErrorAs(t, err, &problem, body)
		require.Equal(t, field, problem.Field, body)
		require.NotContains(t, err.Error(), "test")
	}
}
