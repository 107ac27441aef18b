package tencent

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sampleRecordJSON is the record of the sample, whose fields tests replace.
const sampleRecordJSON = `{"CallId":"055662e1-bc8a-469c-a334-1126c8c17d58","Caller_Account":"10001","MediaType":"Audio",` +
	`"CallType":"SingleCall","StartTime":1741231146,"EndTime":1741231296,"AcceptTime":0,"CallResult":"NotAnswer",` +
	`"CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}`

// withField replaces the value of a field of sampleRecordJSON.
func withField(t *testing.T, field, value string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(sampleRecordJSON), &fields))
	old := `"` + field + `":` + string(fields[field])
	require.Contains(t, sampleRecordJSON, old)
	return strings.Replace(sampleRecordJSON, old, `"`+field+`":`+value, 1)
}

func TestDecodeRecordReadsScalarsExactly(t *testing.T) {
	tests := []struct {
		field, value string
		want         func(*CallRecord)
	}{
		{"Caller_Account", `144115212830834855`, func(r *CallRecord) { r.Caller = "144115212830834855" }},
		{"Caller_Account", `12345678901234567890123`, func(r *CallRecord) { r.Caller = "12345678901234567890123" }},
		{"Caller_Account", `true`, func(r *CallRecord) { r.Caller = "true" }},
		{"Caller_Account", `null`, func(r *CallRecord) { r.Caller = "" }},
		{"CallResult", `3`, func(r *CallRecord) { r.Result = "3" }},
		{"MediaType", `1`, func(r *CallRecord) { r.MediaType = "1" }},
		{"StartTime", `"1741231146"`, func(*CallRecord) {}},
		{"StartTime", `1741231146.0`, func(*CallRecord) {}},
		{"StartTime", `"1741231146.000"`, func(*CallRecord) {}},
		{"StartTime", `1.741231146e9`, func(*CallRecord) {}},
		{"EndTime", `1741231296000e-3`, func(*CallRecord) {}},
		{"EndTime", fmt.Sprint(MaxTime), func(r *CallRecord) { r.EndTime = MaxTime }},
		{"AcceptTime", `null`, func(*CallRecord) {}},
		{"RoomIdType", `"2"`, func(*CallRecord) {}},
		{"RoomIdType", `-1`, func(r *CallRecord) { r.RoomIDType = -1 }},
		{"RoomId", `-1`, func(r *CallRecord) { r.RoomID = "-1" }},
		{"RoomId", `1.0`, func(r *CallRecord) { r.RoomID = "1.0" }},
		{"RoomId", `1.5`, func(r *CallRecord) { r.RoomID = "1.5" }},
		{"RoomId", `false`, func(r *CallRecord) { r.RoomID = "false" }},
		{"CalleeList_Account", `[10001,"user2"]`, func(*CallRecord) {}},
		{"CalleeList_Account", `[9007199254740993,1e3]`, func(r *CallRecord) { r.Members = []string{"9007199254740993", "1e3"} }},
		{"CalleeList_Account", `[""]`, func(r *CallRecord) { r.Members = []string{""} }},
		{"CalleeList_Account", `null`, func(r *CallRecord) { r.Members = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.field+" "+tt.value, func(t *testing.T) {
			want := sampleRecord()
			tt.want(&want)
			got, problems := DecodeRecord([]byte(withField(t, tt.field, tt.value)))
			require.Empty(t, problems)
			require.Equal(t, want, got)
		})
	}
}

func TestDecodeRecordNamesFieldsThatCannotBeRead(t *testing.T) {
	long := `"` + strings.Repeat("x", MaxTextLength+1) + `"`
	tests := []struct {
		field, value, problem string
		want                  func(*CallRecord)
	}{
		{"Caller_Account", `{}`, "must be a string, not a JSON object", func(r *CallRecord) { r.Caller = "" }},
		{"Caller_Account", `["a"]`, "must be a string, not a JSON array", func(r *CallRecord) { r.Caller = "" }},
		{"Caller_Account", long, "must not be longer than 512 bytes", func(r *CallRecord) { r.Caller = "" }},
		{"Caller_Account", `"a\u0000b"`, "must not contain NUL characters", func(r *CallRecord) { r.Caller = "" }},
		{"Caller_Account", "\"a\xff\"", "must be valid UTF-8", func(r *CallRecord) { r.Caller = "" }},
		{"Caller_Account", `"\ud800"`, "must be valid UTF-8", func(r *CallRecord) { r.Caller = "" }},
		{"Caller_Account", `"a","Caller_Account":"b"`, "occurs more than once, with different values", func(r *CallRecord) { r.Caller = "" }},
		{"EndTime", `1741231296.5`, "must be a whole number, not a fraction", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `1741231296000`, "is out of range: must be Unix seconds until the year 9999", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `-1`, "is out of range: must be Unix seconds until the year 9999", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `9223372036854775808`, "is out of range", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `1e999999999`, "is out of range", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `1e-999999999`, "is out of range", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", strings.Repeat("1", 100), "is out of range", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `true`, "must be a whole number, not a JSON boolean", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `[]`, "must be a whole number, not a JSON array", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `""`, "must be a whole number, not other text", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `"Infinity"`, "must be a whole number, not other text", func(r *CallRecord) { r.EndTime = 0 }},
		{"EndTime", `"0x10"`, "must be a whole number, not other text", func(r *CallRecord) { r.EndTime = 0 }},
		{"RoomIdType", `2147483648`, "is out of range", func(r *CallRecord) { r.RoomIDType = 0 }},
		{"RoomId", `{}`, "must be a string, not a JSON object", func(r *CallRecord) { r.RoomID = "" }},
		{"CalleeList_Account", `"user2"`, "must be a list, not a JSON string", func(r *CallRecord) { r.Members = nil }},
		{"CalleeList_Account", `{}`, "must be a list, not a JSON object", func(r *CallRecord) { r.Members = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.field+" "+tt.value[:min(20, len(tt.value))], func(t *testing.T) {
			want := sampleRecord()
			tt.want(&want)
			got, problems := DecodeRecord([]byte(withField(t, tt.field, tt.value)))
			require.Equal(t, []FieldError{{tt.field, tt.problem}}, problems)
			require.Equal(t, want, got, "the other fields are kept")
		})
	}
}

func TestDecodeRecordKeepsTheNeighboursOfAnOddMember(t *testing.T) {
	got, problems := DecodeRecord([]byte(withField(t, "CalleeList_Account", `["a",{"UserId":"b"},null,7]`)))
	require.Equal(t, []string{"a", "7"}, got.Members)
	require.Equal(t, []FieldError{
		{"CalleeList_Account[1]", "must be a string, not a JSON object"}, {"CalleeList_Account[2]", "must not be null"},
	}, problems)
	many := make([]string, 200)
	for i := range many {
		many[i] = `"` + strings.Repeat("m", MaxTextLength) + `"`
	}
	got, problems = DecodeRecord([]byte(withField(t, "CalleeList_Account", "[7,"+strings.Join(many, ",")+"]")))
	require.Len(t, got.Members, 201)
	require.Empty(t, problems)
}

func TestFirstMembers(t *testing.T) {
	r := sampleRecord()
	r.Members = []string{"1234", "5678", "90"}
	require.Equal(t, r, r.FirstMembers(10))
	first := r.FirstMembers(9)
	require.Equal(t, []string{"1234", "5678"}, first.Members)
	require.Equal(t, 3, first.MembersTotal)
	require.Equal(t, 3, first.FirstMembers(4).MembersTotal, "of a record that was shortened before")
	require.Equal(t, []string{"1234"}, first.FirstMembers(4).Members)
	require.Equal(t, first, first.FirstMembers(9))
	require.Equal(t, 3, first.MemberCount())

	other := r
	other.Members = []string{"1234", "5678", "91"}
	for name, tt := range map[string]struct {
		callback CallRecord
		same     bool
	}{
		"the same": {r, true}, "another one": {other, false}, "another one, which is left out": {other.FirstMembers(8), true},
	} {
		differences, err := Differences(tt.callback, r)
		require.NoError(t, err)
		require.Equal(t, tt.same, len(differences) == 0, name)
	}
	other.Members = append(other.Members, "x")
	differences, err := Differences(other.FirstMembers(4), r)
	require.NoError(t, err)
	require.Len(t, differences, 1, "another number")
}

// TestNobodyElseSaysHowManyMembersThereAre: the field is not Tencent's.
func TestNobodyElseSaysHowManyMembersThereAre(t *testing.T) {
	claims := `{"aftercall_members_total":45000,` + strings.TrimPrefix(withField(t, "RoomIdType", "2"), "{")
	record, problems := DecodeRecord([]byte(claims))
	require.Empty(t, problems)
	require.Zero(t, record.MembersTotal)
	body := `{"CallbackCommand":"Call.CallbackAfterEndCall","CallRecord":` + claims + `}`
	cb, err := DecodeCallback(ParseQuery("CallbackCommand=Call.CallbackAfterEndCall"), []byte(body))
	require.NoError(t, err)
	require.Zero(t, cb.Record.MembersTotal)
}

func TestDecodeRecordOfAnotherShape(t *testing.T) {
	for data, problem := range map[string]string{
		`null`: "must be an object, not a JSON null", `[]`: "must be an object, not a JSON array", `7`: "must be an object, not a JSON number",
	} {
		got, problems := DecodeRecord([]byte(data))
		require.Zero(t, got)
		require.Equal(t, []FieldError{{"CallRecord", problem}}, problems)
	}
	got, problems := DecodeRecord([]byte(strings.Replace(sampleRecordJSON, `"RoomIdType":2`, `"RoomIdType":2,"EndTime":1741231296,"New":{"CallResult":1}`, 1)))
	require.Empty(t, problems, "a key that is repeated with the same value, and keys of unknown objects, do not matter")
	require.Equal(t, sampleRecord(), got)
}

func TestRecordThatCannotBeReadIsNoOutage(t *testing.T) {
	const callID = "055662e1-bc8a-469c-a334-1126c8c17d58"
	answer := func(response string) string {
		return `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK","RequestId":"r1"` + response + `}`
	}
	record := func(r string) string { return answer(`,"Response":{"CallRecord":` + r + `}`) }
	only := CallRecord{CallID: callID}
	partial := func(change func(*CallRecord)) CallRecord {
		r := sampleRecord()
		change(&r)
		return r
	}
	tests := map[string]struct {
		answer string
		want   CallRecord
		field  string
		raw    string
	}{
		"an object for a time":  {record(withField(t, "EndTime", `{"a":1}`)), partial(func(r *CallRecord) { r.EndTime = 0 }), "EndTime", `{"a":1}`},
		"no CallId":             {record(withField(t, "CallId", `null`)), sampleRecord(), "CallId", `"CallId":null`},
		"another call's record": {record(withField(t, "CallId", `"other"`)), only, "CallId", `"other"`},
		"no Response":           {answer(``), only, "Response", "null"},
		"an empty Response":     {answer(`,"Response":{}`), only, "CallRecord", "{}"},
		"Response a list":       {answer(`,"Response":[1]`), only, "Response", "[1]"},
		"record a list":         {record(`[1]`), only, "CallRecord", "[1]"},
		"record null":           {record(`null`), only, "CallRecord", "null"},
		"two records":           {answer(`,"Response":{"CallRecord":{},"CallRecord":{"CallId":"a"}}`), only, "CallRecord", "{}"},
		"status of another type": {
			strings.Replace(answer(``), `"OK"`, `1`, 1), only, "Response", "null",
		},
		"code as text": {strings.Replace(answer(``), `"ErrorCode":0`, `"ErrorCode":"0"`, 1), only, "Response", "null"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.answer) })
			_, err := c.Record(t.Context(), callID)
			var unreadable *UnreadableRecordError
			require.ErrorAs(t, err, &unreadable)
			require.Equal(t, tt.want, unreadable.Record)
			require.Equal(t, tt.field, unreadable.Problems[0].Field)
			require.Contains(t, unreadable.Raw, tt.raw)
			require.Contains(t, err.Error(), tt.field)
			require.Contains(t, err.Error(), "r1")
			require.NotContains(t, err.Error(), "user2", "no account names in errors")
		})
	}
}

func TestRecordReadsAnOddEnvelope(t *testing.T) {
	const callID = "055662e1-bc8a-469c-a334-1126c8c17d58"
	for name, envelope := range map[string]string{
		"text for the code":    `{"ErrorCode":"0","ActionStatus":"OK","RequestId":"r1","Response":%s}`,
		"the code as 0.0":      `{"ErrorCode":0.0,"ActionStatus":"OK","RequestId":"r1","Response":%s}`,
		"number for a text":    `{"ErrorCode":0,"ErrorInfo":0,"ActionStatus":"OK","RequestId":12345678901234567890,"Response":%s}`,
		"no status":            `{"ErrorCode":0,"Response":%s}`,
		"status in lower case": `{"ErrorCode":0,"ActionStatus":"ok","Response":%s}`,
		"no code":              `{"ActionStatus":"OK","Response":%s}`,
		"tab in a text":        "{\"ErrorCode\":0,\"ErrorInfo\":\"a\tb\\\"\nc\",\n\t\"ActionStatus\":\"OK\",\"Response\":%s}",
		"byte order mark":      "\xef\xbb\xbf" + `{"ErrorCode":0,"ActionStatus":"OK","Response":%s}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, envelope, `{"CallRecord":`+sampleRecordJSON+`}`)
			})
			got, err := c.Record(t.Context(), callID)
			require.NoError(t, err)
			require.Equal(t, sampleRecord(), got)
		})
	}
}

func TestErrorCodeAsTextKeepsItsMeaning(t *testing.T) {
	c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ErrorCode":"101050","ActionStatus":"FAIL","ErrorInfo":"`+strings.Repeat("x", 1<<20)+`","RequestId":7}`)
	})
	_, err := c.Record(t.Context(), "call-1")
	require.Equal(t, CodeRecordNotFound, errorCode(err))
	require.Less(t, len(err.Error()), 2000)
}

func TestRowsAreDecodedOnTheirOwn(t *testing.T) {
	good := func(id string) string { return withField(t, "CallId", `"`+id+`"`) }
	tests := map[string]struct {
		row        string
		callID     string
		field      string
		unreadable bool
	}{
		"number for an account": {strings.Replace(good("odd"), `"10001"`, `144115212830834855`, 1), "odd", "", false},
		"integer CallResult":    {strings.Replace(good("odd"), `"NotAnswer"`, `7`, 1), "odd", "", false},
		"members are numbers":   {strings.Replace(good("odd"), `["10001","user2"]`, `[1,2]`, 1), "odd", "", false},
		"members are objects":   {strings.Replace(good("odd"), `["10001","user2"]`, `[{"a":1}]`, 1), "odd", "CalleeList_Account[0]", false},
		"a fraction":            {strings.Replace(good("odd"), `1741231296`, `1.5`, 1), "odd", "EndTime", false},
		"CallId a number":       {withField(t, "CallId", `7`), "7", "", false},
		"CallId an object":      {withField(t, "CallId", `{}`), "", "CallId", true},
		"CallId too long":       {good(strings.Repeat("x", 200)), strings.Repeat("x", 200), "CallId", true},
		"CallId very long":      {good(strings.Repeat("x", 1200)), "", "CallId", true},
		"CallId missing":        {`{}`, "", "CallId", true},
		"CallId with newline":   {good(`a\nb`), "a\nb", "CallId", true},
		"not an object":         {`"row"`, "", "CallRecord", true},
		"null":                  {`null`, "", "CallRecord", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"ErrorCode":0,"ActionStatus":"OK","Response":{"TotalNum":"3","Page":1.0,"CallRecordList":[%s,%s,%s]}}`,
					good("call-1"), tt.row, good("call-2"))
			})
			page, err := c.Records(t.Context(), RecordFilter{Page: 1})
			require.NoError(t, err)
			require.Equal(t, 3, page.TotalNum)
			require.Len(t, page.Rows, 3)
			for i, id := range []string{"call-1", tt.callID, "call-2"} {
				require.Equal(t, id, page.Rows[i].Record.CallID)
				require.Equal(t, i == 1 && tt.unreadable, page.Rows[i].Unreadable())
			}
			odd := page.Rows[1]
			if tt.field == "" {
				require.Empty(t, odd.Problems)
				require.Empty(t, odd.Raw)
				return
			}
			require.Equal(t, tt.field, odd.Problems[0].Field)
			require.Len(t, odd.Hash, 32)
			require.Equal(t, tt.row, odd.Raw)
		})
	}
}

func TestListOfAnotherShape(t *testing.T) {
	for response, field := range map[string]string{
		`null`: "Response", `[]`: "Response", `{"CallRecordList":{}}`: "CallRecordList", `{"CallRecordList":"x"}`: "CallRecordList",
	} {
		c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ErrorCode":0,"ActionStatus":"OK","RequestId":"r1","Response":`+response+`}`)
		})
		_, err := c.Records(t.Context(), RecordFilter{Page: 1})
		var unreadable *UnreadableAnswerError
		require.ErrorAs(t, err, &unreadable)
		require.Equal(t, field, unreadable.Problem.Field)
	}
}

func TestRawIsCapped(t *testing.T) {
	raw := rawText([]byte(strings.Repeat("通", MaxRawLength)))
	require.LessOrEqual(t, len(raw), MaxRawLength)
	require.True(t, strings.HasSuffix(raw, "通…"), raw[len(raw)-10:])
	require.Equal(t, "a\uFFFDb", rawText([]byte("a\xffb")))
}

func TestControlCharactersInTexts(t *testing.T) {
	require.Nil(t, escapeControls([]byte("{\n\t\"a\": \"b\\\\\"\n}")))
	require.Equal(t, `{"a":"\u0009\"\u000a"}`, string(escapeControls([]byte("{\"a\":\"\t\\\"\n\"}"))))
	cb, err := DecodeCallback(ParseQuery(endCallQuery), []byte(strings.Replace(sampleBody, "roomid-1434", "room\tid\x00", 1)))
	require.NoError(t, err)
	require.Equal(t, []string{"RoomId"}, cb.Dropped, "only NUL characters cannot be stored")
	cb, err = DecodeCallback(ParseQuery(endCallQuery), []byte(strings.Replace(sampleBody, "roomid-1434", "room\tid", 1)))
	require.NoError(t, err)
	require.Equal(t, RoomID("room\tid"), cb.Record.RoomID)
}

func TestAnswerThatIsTooLargeIsNoOutage(t *testing.T) {
	c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ErrorCode":0,"ActionStatus":"OK","Response":{"x":"`+strings.Repeat("x", maxAnswerSize)+`"}}`)
	})
	_, err := c.Records(t.Context(), RecordFilter{Page: 1})
	var unreadable *UnreadableAnswerError
	require.ErrorAs(t, err, &unreadable)
}
