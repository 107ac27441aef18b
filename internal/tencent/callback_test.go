package tencent

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const endCallQuery = "SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterEndCall&contenttype=json&ClientIP=127.0.0.1&OptPlatform=iOS"

// sampleBody is the sample of Tencent's documentation, with the comma that it lacks. D:68940
const sampleBody = `{"CallbackCommand":"Call.CallbackAfterEndCall",
 "CallRecord":{"CallId":"055662e1-bc8a-469c-a334-1126c8c17d58","Caller_Account":"10001","MediaType":"Audio",
  "CallType":"SingleCall","StartTime":1741231146,"EndTime":1741231296,"AcceptTime":0,"CallResult":"NotAnswer",
  "CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2},
 "EventTime":1703589922780}`

func sampleRecord() CallRecord {
	return CallRecord{
		CallID: "055662e1-bc8a-469c-a334-1126c8c17d58", Caller: "10001", MediaType: MediaAudio, CallType: CallTypeSingle,
		StartTime: 1741231146, EndTime: 1741231296, AcceptTime: 0, Result: ResultNotAnswer,
		Members: []string{"10001", "user2"}, RoomID: "roomid-1434", RoomIDType: 2,
	}
}

func TestDecodeCallbackSample(t *testing.T) {
	cb, err := DecodeCallback(ParseQuery(endCallQuery), []byte(sampleBody))
	require.NoError(t, err)
	require.Equal(t, Callback{Command: CommandAfterEndCall, CallID: "055662e1-bc8a-469c-a334-1126c8c17d58", Record: sampleRecord(), EventTime: 1703589922780}, cb)
}

func TestEndedAtUsesMillisecondsOfEventTime(t *testing.T) {
	tests := map[string]struct{ end, event, want int64 }{
		"same second":      {1741231296, 1741231296780, 1741231296780},
		"whole second":     {1741231296, 1741231296000, 1741231296000},
		"before":           {1741231296, 1741231295999, 1741231296000},
		"after":            {1741231296, 1741231297000, 1741231296000},
		"Tencent's sample": {1741231296, 1703589922780, 1741231296000},
		"no event time":    {1741231296, 0, 1741231296000},
		"out of range":     {1741231296, math.MaxInt64, 1741231296000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cb := Callback{Record: CallRecord{EndTime: tt.end}, EventTime: tt.event}
			require.Equal(t, time.UnixMilli(tt.want).UTC(), cb.EndedAt())
		})
	}
	cb := Callback{EventTime: 1741231296780, Dropped: []string{"EndTime"}}
	require.Equal(t, time.UnixMilli(1741231296780).UTC(), cb.EndedAt(), "it replaces an end that could not be read")
}

func TestDecodeCallbackTolerates(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(sampleBody, old, with, 1) }
	tests := map[string]struct{ query, body string }{
		"unknown fields":        {endCallQuery, replace(`"RoomIdType":2`, `"RoomIdType":2,"New":{"a":[1.5]}`)},
		"unknown media type":    {endCallQuery, replace(`"Audio"`, `"Hologram"`)},
		"unknown platform":      {strings.Replace(endCallQuery, "iOS", "Fridge", 1), sampleBody},
		"no event time":         {endCallQuery, replace(`"EventTime":1703589922780`, `"EventTime":null`)},
		"query in lower case":   {"sdkappid=1400000000&callbackcommand=Call.CallbackAfterEndCall", sampleBody},
		"null members":          {endCallQuery, replace(`["10001","user2"]`, `null`)},
		"start call is ignored": {"SdkAppid=1&CallbackCommand=Call.CallbackAfterStartCall", `{"CallInfo":{}}`},
		"a future command":      {"SdkAppid=1&CallbackCommand=Call.CallbackAfterLunch", `{}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeCallback(ParseQuery(tt.query), []byte(tt.body))
			require.NoError(t, err)
		})
	}
}

func TestCallIDOfOtherCommands(t *testing.T) {
	const started, changed = "SdkAppid=1&CallbackCommand=Call.CallbackAfterStartCall", "SdkAppid=1&CallbackCommand=Call.CallbackAfterMemberChanged"
	tests := map[string]struct{ query, body, want string }{
		"start":             {started, `{"CallInfo":{"CallId":"call-1"},"UserList":[]}`, "call-1"},
		"change of members": {changed, `{"CallId":"call-1","UserList":[]}`, "call-1"},
		"none":              {changed, `{"UserList":[]}`, ""},
		"a number":          {changed, `{"CallId":7}`, "7"},
		"an object":         {changed, `{"CallId":{},"CallInfo":[]}`, ""},
		"null":              {started, `{"CallInfo":null}`, ""},
		"given twice":       {changed, `{"CallId":"a","CallId":"b"}`, ""},
		"invalid":           {changed, `{"CallId":"a\nb"}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cb, err := DecodeCallback(ParseQuery(tt.query), []byte(tt.body))
			require.NoError(t, err)
			require.Equal(t, tt.want, cb.CallID)
			require.Empty(t, cb.Record)
		})
	}
}

func TestValidateCallID(t *testing.T) {
	require.NoError(t, ValidateCallID("CallId", strings.Repeat("x", MaxCallIDLength)))
	require.EqualError(t, ValidateCallID("CallId", strings.Repeat("x", MaxCallIDLength+1)), "CallId: must not be longer than 128 bytes")
}

func TestSDKAppIDOfQuery(t *testing.T) {
	id, err := ParseQuery("SDKAppID=1400000000").SDKAppID()
	require.NoError(t, err)
	require.Equal(t, SDKAppID(1400000000), id)
	for query, message := range map[string]string{
		"":             "SdkAppid: missing from the query",
		"SdkAppid=one": "SdkAppid: must be a whole number",
		"SdkAppid=-1":  "SdkAppid: must be a whole number",
		"SdkAppid=%zz": "SdkAppid: must be a whole number",
		"SdkAppid=1400000000&SdkAppid=1400000001": "SdkAppid: occurs more than once, with different values",
		"SdkAppid=&SdkAppid=1400000000":           "SdkAppid: occurs more than once, with different values",
		"SdkAppid=1400000000&SDKAppID=1&x=2":      "SdkAppid: occurs more than once, with different values",
		"SdkAppid=1400000000&%53dkAppi%64=1":      "SdkAppid: occurs more than once, with different values",
	} {
		_, err := ParseQuery(query).SDKAppID()
		require.EqualError(t, err, message)
	}
}

func TestDecodeCallbackKeepsDigitRooms(t *testing.T) {
	body := strings.Replace(sampleBody, `"roomid-1434"`, `9007199254740993`, 1)
	cb, err := DecodeCallback(ParseQuery(endCallQuery), []byte(body))
	require.NoError(t, err)
	require.Equal(t, RoomID("9007199254740993"), cb.Record.RoomID, "digit for digit, never through a float")
}

func TestRooms(t *testing.T) {
	for text, want := range map[string]RoomID{
		`"roomid-1434"`: "roomid-1434", `""`: "", `"a\"b"`: `a"b`, `"\u4f1a"`: "会", `"会"`: "会", `1434`: "1434", `null`: "",
		`-1`: "-1", `1.0`: "1.0", `1.5`: "1.5",
	} {
		body := strings.Replace(sampleBody, `"roomid-1434"`, text, 1)
		cb, err := DecodeCallback(ParseQuery(endCallQuery), []byte(body))
		require.NoError(t, err, text)
		require.Equal(t, want, cb.Record.RoomID, text)
	}
}

func TestParseQuery(t *testing.T) {
	tests := map[string]struct {
		raw  string
		want Query
	}{
		"all":                  {"SdkAppid=1&CallbackCommand=a&Sign=s&RequestTime=2&command=b", Query{sdkAppID: "1", command: "a", sign: "s", requestTime: "2", v1Command: "b"}},
		"any case":             {"sdkappid=1&SIGN=s", Query{sdkAppID: "1", sign: "s"}},
		"the same value twice": {"SdkAppid=1&sdkappid=%31", Query{sdkAppID: "1"}},
		"encoded":              {"CallbackCommand=a%2Eb+c", Query{command: "a.b c"}},
		"badly encoded":        {"Sign=%zz&RequestTime=2", Query{sign: "%zz", requestTime: "2"}},
		"a semicolon":          {"Sign=a;b&RequestTime=2", Query{sign: "a;b", requestTime: "2"}},
		"nothing":              {"", Query{}},
		"unknown, no value":    {"x=1&&Sign&=", Query{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ParseQuery(tt.raw)
			got.seen, got.conflict = 0, 0
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeCallbackRefuses(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(sampleBody, old, with, 1) }
	tests := map[string]struct{ query, body, field, problem string }{
		"empty body":                     {endCallQuery, ``, "body", "not a JSON object"},
		"not JSON":                       {endCallQuery, `{"CallbackCommand":`, "body", "not a JSON object"},
		"Tencent's sample with its typo": {endCallQuery, strings.Replace(sampleBody, "},\n \"EventTime\"", "}\n \"EventTime\"", 1), "body", "not a JSON object"},
		"trailing data":                  {endCallQuery, sampleBody + `{}`, "body", "data after the JSON value"},
		"an array":                       {endCallQuery, `[]`, "body", "must be an object"},
		"commands differ":                {endCallQuery, replace(`AfterEndCall`, `AfterStartCall`), "CallbackCommand", "different commands"},
		"command of chat":                {"SdkAppid=1&CallbackCommand=C2C.CallbackAfterSendMsg", `{}`, "CallbackCommand", "only Call.*"},
		"record missing":                 {endCallQuery, `{"CallbackCommand":"Call.CallbackAfterEndCall"}`, "CallRecord", "missing"},
		"commands differ in the query":   {endCallQuery + "&CallbackCommand=Call.CallbackAfterStartCall", sampleBody, "CallbackCommand", "occurs more than once"},
		"no command":                     {"SdkAppid=1", `{"CallRecord":{}}`, "CallbackCommand", "missing from the query and the body"},
		"only an odd command":            {"SdkAppid=1", replace(`"Call.CallbackAfterEndCall"`, `{}`), "CallbackCommand", "must be a string, not a JSON object"},
		"record a list":                  {endCallQuery, `{"CallRecord":[]}`, "CallRecord", "must be an object, not a JSON array"},
		"two records":                    {endCallQuery, `{"CallRecord":{"CallId":"a"},"CallRecord":{"CallId":"b"}}`, "CallRecord", "different values"},
		"call id an object":              {endCallQuery, replace(`"055662e1-bc8a-469c-a334-1126c8c17d58"`, `{}`), "CallRecord.CallId", "must be a string, not a JSON object"},
		"two call ids":                   {endCallQuery, replace(`"CallId":`, `"CallId":"a","CallId":`), "CallRecord.CallId", "different values"},
		"call id missing":                {endCallQuery, `{"CallRecord":{"MediaType":1}}`, "CallRecord.CallId", "must not be empty"},
		"call id with NUL":               {endCallQuery, replace(`055662e1`, `\u0000`), "CallRecord.CallId", "NUL"},
		"room that is no JSON":           {endCallQuery, replace(`"roomid-1434"`, `01`), "body", "at or after RoomId"},
		"record null":                    {endCallQuery, `{"CallbackCommand":"Call.CallbackAfterEndCall","CallRecord":null}`, "CallRecord", "missing"},
		"call id empty":                  {endCallQuery, replace(`055662e1-bc8a-469c-a334-1126c8c17d58`, ``), "CallRecord.CallId", "must not be empty"},
		"call id too long":               {endCallQuery, replace(`055662e1`, strings.Repeat("x", 128)), "CallRecord.CallId", "128 bytes"},
		"call id with newline": {
			endCallQuery, replace(`055662e1`, `\n`), "CallRecord.CallId", "control characters",
		},
		"call id not UTF-8": {endCallQuery, replace(`055662e1`, "\xff"), "CallRecord.CallId", "UTF-8"},
		"v1 body": {
			"sdkappid=1&command=AfterCall", `{"UserId":"a","Role":"caller","StartCallTs":1}`, "CallbackCommand", "v1 callback",
		},
		"v1 query only": {"sdkappid=1&command=AfterCall", `{"UserId":"a"}`, "CallbackCommand", "set_callback"},
		"v1 body with the query of v4": {
			"SdkAppid=1&CallbackCommand=Call.CallbackAfterEndCall", `{"StartCallTs":1}`, "CallbackCommand", "v1 callback",
		},
		"other command, not JSON": {"SdkAppid=1&CallbackCommand=Call.CallbackAfterStartCall", `{`, "body", "not a JSON object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeCallback(ParseQuery(tt.query), []byte(tt.body))
			var fieldErr *FieldError
			require.ErrorAs(t, err, &fieldErr)
			require.Equal(t, tt.field, fieldErr.Field)
			require.Contains(t, fieldErr.Problem, tt.problem)
			require.NotContains(t, err.Error(), "user2", "no account names in errors")
		})
	}
}

// TestDecodeCallbackReadsWhatItCan holds callbacks whose command and CallId are
// readable: all are accepted, and what cannot be read is left out of the hint.
func TestDecodeCallbackReadsWhatItCan(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(sampleBody, old, with, 1) }
	ended := func(value string) string { return replace(`"EndTime":1741231296`, `"EndTime":`+value) }
	noEnd := func(cb *Callback) { cb.Record.EndTime, cb.Dropped = 0, []string{"EndTime"} }
	noEvent := func(cb *Callback) { cb.EventTime, cb.Dropped = 0, []string{"EventTime"} }
	none := func(*Callback) {}
	tests := map[string]struct {
		query, body string
		want        func(*Callback)
	}{
		"as documented":           {endCallQuery, sampleBody, none},
		"number for an account":   {endCallQuery, replace(`"10001"`, `144115212830834855`), func(cb *Callback) { cb.Record.Caller = "144115212830834855" }},
		"members are numbers":     {endCallQuery, replace(`["10001","user2"]`, `[10001,"user2"]`), none},
		"event time as text":      {endCallQuery, replace(`1703589922780`, `"1703589922780"`), none},
		"event time a float":      {endCallQuery, replace(`1703589922780`, `1703589922780.0`), none},
		"times as text":           {endCallQuery, ended(`"1741231296"`), none},
		"times as 1.0":            {endCallQuery, ended(`1741231296.0`), none},
		"byte order mark":         {endCallQuery, "\xef\xbb\xbf" + sampleBody, none},
		"white space":             {endCallQuery, " \r\n" + sampleBody + "\n\t ", none},
		"command not in query":    {"SdkAppid=1", sampleBody, none},
		"command not in body":     {endCallQuery, replace(`"CallbackCommand":"Call.CallbackAfterEndCall",`, ``), none},
		"command null in body":    {endCallQuery, replace(`"Call.CallbackAfterEndCall"`, `null`), none},
		"blanks after command":    {"SdkAppid=1&CallbackCommand=Call.CallbackAfterEndCall%20", replace(`AfterEndCall"`, `AfterEndCall  "`), none},
		"case of command":         {"SdkAppid=1&CallbackCommand=call.callbackafterendcall", replace(`Call.CallbackAfterEndCall`, `CALL.CallbackAfterEndCall`), none},
		"query of v1, body of v4": {"sdkappid=1&command=AfterCall", sampleBody, none},
		"StartCallTs null":        {endCallQuery, replace(`"EventTime"`, `"StartCallTs":null,"EventTime"`), none},
		"StartCallTs and record":  {endCallQuery, replace(`"EventTime"`, `"StartCallTs":7,"EventTime"`), none},

		"command of another type": {endCallQuery, replace(`"Call.CallbackAfterEndCall"`, `7`), func(cb *Callback) { cb.Dropped = []string{"CallbackCommand"} }},
		"account an object":       {endCallQuery, replace(`"10001"`, `{}`), func(cb *Callback) { cb.Record.Caller, cb.Dropped = "", []string{"Caller_Account"} }},
		"account not UTF-8":       {endCallQuery, replace(`"10001"`, "\"\xff\""), func(cb *Callback) { cb.Record.Caller, cb.Dropped = "", []string{"Caller_Account"} }},
		"members of two kinds": {endCallQuery, replace(`["10001","user2"]`, `[{},"user2",[]]`), func(cb *Callback) {
			cb.Record.Members, cb.Dropped = []string{"user2"}, []string{"CalleeList_Account"}
		}},
		"room an object":  {endCallQuery, replace(`"roomid-1434"`, `{}`), func(cb *Callback) { cb.Record.RoomID, cb.Dropped = "", []string{"RoomId"} }},
		"end a fraction":  {endCallQuery, ended(`1741231296.5`), noEnd},
		"end in ms":       {endCallQuery, ended(`1741231296000`), noEnd},
		"end after 9999":  {endCallQuery, ended(`253402300800`), noEnd},
		"end largest":     {endCallQuery, ended(`9223372036854775807`), noEnd},
		"end smallest":    {endCallQuery, ended(`-9223372036854775808`), noEnd},
		"end beyond":      {endCallQuery, ended(`9223372036854775808`), noEnd},
		"event a word":    {endCallQuery, replace(`1703589922780`, `"now"`), noEvent},
		"event largest":   {endCallQuery, replace(`1703589922780`, `9223372036854775807`), noEvent},
		"event an object": {endCallQuery, replace(`1703589922780`, `{}`), noEvent},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := Callback{Command: CommandAfterEndCall, CallID: sampleRecord().CallID, Record: sampleRecord(), EventTime: 1703589922780}
			tt.want(&want)
			got, err := DecodeCallback(ParseQuery(tt.query), []byte(tt.body))
			require.NoError(t, err)
			require.Equal(t, want, got)
			_, err = got.EndedAt().MarshalJSON()
			require.NoError(t, err)
		})
	}
}

func TestVerifyCallbackSign(t *testing.T) {
	const token, at = "xxxxyyyy", "1669872112"
	const sign = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
	require.Equal(t, sign, CallbackSign(token, at), "Tencent's check vector")
	now := time.Unix(1669872112, 0)
	tests := map[string]struct {
		query string
		now   time.Time
		field string
	}{
		"good":            {"Sign=" + sign + "&RequestTime=" + at, now, ""},
		"60 s late":       {"Sign=" + sign + "&RequestTime=" + at, now.Add(60 * time.Second), ""},
		"61 s late":       {"Sign=" + sign + "&RequestTime=" + at, now.Add(61 * time.Second), "RequestTime"},
		"60 s early":      {"Sign=" + sign + "&RequestTime=" + at, now.Add(-60 * time.Second), ""},
		"61 s early":      {"Sign=" + sign + "&RequestTime=" + at, now.Add(-61 * time.Second), "RequestTime"},
		"missing":         {"RequestTime=" + at, now, "Sign"},
		"wrong":           {"Sign=" + strings.Repeat("0", 64) + "&RequestTime=" + at, now, "Sign"},
		"time missing":    {"Sign=" + sign, now, "RequestTime"},
		"time not number": {"Sign=" + sign + "&RequestTime=now", now, "RequestTime"},
		"far in the past": {"Sign=" + CallbackSign(token, "-9223372036854775808") + "&RequestTime=-9223372036854775808", now, "RequestTime"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := VerifyCallbackSign(ParseQuery(tt.query), []string{token}, tt.now)
			if tt.field == "" {
				require.NoError(t, err)
				return
			}
			var fieldErr *FieldError
			require.ErrorAs(t, err, &fieldErr)
			require.Equal(t, tt.field, fieldErr.Field)
		})
	}
}

func TestFingerprintAndDifferences(t *testing.T) {
	one, two := sampleRecord(), sampleRecord()
	f1, err := one.Fingerprint()
	require.NoError(t, err)
	two.AcceptTime = 1741231200
	two.Result = ResultNormalEnd
	f2, err := two.Fingerprint()
	require.NoError(t, err)
	require.NotEqual(t, f1, f2)

	diffs, err := Differences(one, two)
	require.NoError(t, err)
	require.Equal(t, []Difference{
		{Field: "AcceptTime", Callback: "0", Record: "1741231200"},
		{Field: "CallResult", Callback: `"NotAnswer"`, Record: `"NormalEnd"`},
	}, diffs)
	diffs, err = Differences(one, one)
	require.NoError(t, err)
	require.Empty(t, diffs)
}
