package tencentsim

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

func ask(callID string) string { return fmt.Sprintf(`{"CallId":%q}`, callID) }

// TestRecordAsDocumented compares the whole Response, names and order of the
// fields included, with the sample of the documentation.
func TestRecordAsDocumented(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{
		CallID: "04c9a0ac-8e38-4a19-be45-349c5ce7911b", Members: []string{"user1", "user5", "user2"},
		RoomID: "roomid-1434", Seconds: 100, RingSeconds: 20,
	})
	r.now.move(5 * time.Second)
	a := r.post(pathByID, ask("04c9a0ac-8e38-4a19-be45-349c5ce7911b"))
	require.Zero(t, a.ErrorCode)
	require.Equal(t, `{"CallRecord":{"CallId":"04c9a0ac-8e38-4a19-be45-349c5ce7911b","Caller_Account":"user1","MediaType":"Audio",`+
		`"CallType":"MultiCall","StartTime":1799999880,"EndTime":1800000000,"AcceptTime":1799999900,"CallResult":"NormalEnd",`+
		`"CalleeList_Account":["user1","user5","user2"],"RoomId":"roomid-1434","RoomIdType":2}}`, string(a.Response))
	c, ok := r.sim.Call(testApp, "04c9a0ac-8e38-4a19-be45-349c5ce7911b")
	require.True(t, ok)
	require.Equal(t, 1, c.RecordReads)
}

func TestRecordComesAndGoes(t *testing.T) {
	const week = 7 * 24 * time.Hour
	tests := map[string]struct {
		spec  CallSpec
		after time.Duration
		code  int
	}{
		"at once":                  {after: 0, code: 101050},
		"just before 5 s":          {after: 5*time.Second - 1, code: 101050},
		"after 5 s":                {after: 5 * time.Second},
		"after 7 days":             {after: week},
		"after more than 7 days":   {after: week + 1, code: 101050},
		"ended 4 s ago":            {spec: CallSpec{EndedAgoSeconds: 4}, code: 101050},
		"ended 5 s ago":            {spec: CallSpec{EndedAgoSeconds: 5}},
		"ended 8 days ago":         {spec: CallSpec{EndedAgoSeconds: 8 * 86400}, code: 101050},
		"late, not yet":            {spec: CallSpec{RecordAfterSeconds: 60}, after: 59 * time.Second, code: 101050},
		"late":                     {spec: CallSpec{RecordAfterSeconds: 60}, after: 60 * time.Second},
		"early":                    {spec: CallSpec{RecordAfterSeconds: -1}},
		"EndTime of the record 0":  {spec: CallSpec{Record: json.RawMessage(`{"EndTime":0}`)}, after: 5 * time.Second},
		"EndTime to come":          {spec: CallSpec{Record: json.RawMessage(`{"EndTime":1900000000}`)}, after: 5 * time.Second},
		"another app's, same call": {spec: CallSpec{SDKAppID: otherApp}, after: 5 * time.Second, code: 101050},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			c := r.place(tt.spec)
			r.now.move(tt.after)
			require.Equal(t, tt.code, r.post(pathByID, ask(c.Record.CallID)).ErrorCode)
		})
	}
}

func TestParametersOfCallAPIs(t *testing.T) {
	r := newFixture(t)
	for _, path := range []string{pathByID, pathInfo, pathEnd} {
		for _, body := range []string{`{}`, `{"CallId":""}`, `{"CallId":7}`, `{"CallId":null}`} {
			require.Equal(t, 101002, r.post(path, body).ErrorCode, "%s %s", path, body)
		}
	}
	ended := r.place(CallSpec{})
	require.Equal(t, 101050, r.post(pathByID, ask("never")).ErrorCode)
	for _, path := range []string{pathInfo, pathEnd} {
		require.Equal(t, 101004, r.post(path, ask("never")).ErrorCode, path)
		require.Equal(t, 101004, r.post(path, ask(ended.Record.CallID)).ErrorCode, path)
	}
	require.Equal(t, 101050, r.post(pathByID, `{"CallId":"x","Future":[1]}`).ErrorCode, "unknown fields are tolerated")
}

func TestPlaceCallFillsIn(t *testing.T) {
	r := newFixture(t)
	tests := map[string]struct {
		spec CallSpec
		want tencent.CallRecord // CallID, accounts and room apart
		size int
	}{
		"nothing given": {
			CallSpec{},
			tencent.CallRecord{
				MediaType: "Audio", CallType: "SingleCall", Result: "NotAnswer",
				StartTime: testEpoch - 8, EndTime: testEpoch,
			},
			2,
		},
		"connected": {
			CallSpec{Media: "Video", Seconds: 61, RingSeconds: 3},
			tencent.CallRecord{
				MediaType: "Video", CallType: "SingleCall", Result: "NormalEnd",
				StartTime: testEpoch - 64, AcceptTime: testEpoch - 61, EndTime: testEpoch,
			},
			2,
		},
		"group an hour ago": {
			CallSpec{Seconds: 10, GroupSize: 5, EndedAgoSeconds: 3600, Result: "Interrupt"},
			tencent.CallRecord{
				MediaType: "Audio", CallType: "MultiCall", Result: "Interrupt",
				StartTime: testEpoch - 3618, AcceptTime: testEpoch - 3610, EndTime: testEpoch - 3600,
			},
			5,
		},
		"alone": {
			CallSpec{GroupSize: 1, Result: "Cancel"},
			tencent.CallRecord{
				MediaType: "Audio", CallType: "SingleCall", Result: "Cancel",
				StartTime: testEpoch - 8, EndTime: testEpoch,
			},
			1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := r.place(tt.spec).Record
			require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, got.CallID)
			require.Regexp(t, `^patient-\d{4}$`, got.Caller)
			require.Len(t, got.Members, tt.size)
			require.Equal(t, got.Caller, got.Members[0], "the member list includes the caller")
			require.NotEmpty(t, got.RoomID)
			tt.want.CallID, tt.want.Caller, tt.want.Members, tt.want.RoomID, tt.want.RoomIDType = got.CallID, got.Caller, got.Members, got.RoomID, 2
			require.Equal(t, tt.want, got)
		})
	}
}

func TestPlaceCallRefuses(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{CallID: "taken"})
	r.place(CallSpec{CallID: "taken", SDKAppID: otherApp}) // another app's calls are others
	tests := map[string]CallSpec{
		"sdk_app_id: ":         {SDKAppID: 7},
		"call_id: app":         {CallID: "taken"},
		"call_id: must not":    {CallID: "a\nb"},
		"seconds: ":            {Seconds: -1},
		"ring_seconds: ":       {RingSeconds: -1},
		"ended_ago_seconds: ":  {EndedAgoSeconds: -1},
		"group_size: must":     {GroupSize: 501},
		"group_size: leave":    {GroupSize: 2, Members: []string{"patient-1"}},
		"duplicates: ":         {Duplicates: -1},
		"record: must":         {Record: json.RawMessage(`[]`)},
		"record: json":         {Record: json.RawMessage(`{"EndTime":"soon"}`)},
		"record.CallId: must":  {Record: json.RawMessage(`{"CallId":""}`)},
		"callback: must":       {Callback: json.RawMessage(`7`)},
		"later_callback: must": {LaterCallback: json.RawMessage(`{`)},
		"record_fault.times":   {RecordFault: &APIFault{Code: 1, Times: -1}},
	}
	for want, spec := range tests {
		t.Run(want, func(t *testing.T) {
			if spec.SDKAppID == 0 {
				spec.SDKAppID = testApp
			}
			_, err := r.sim.PlaceCall(spec)
			require.ErrorContains(t, err, want)
		})
	}
	require.Len(t, r.sim.Calls(), 2, "a refused call leaves nothing behind")
}

func TestCallbackConfiguration(t *testing.T) {
	r := newFixture(t)
	const url = `"Url":"http://www.example.com/callback"`
	invalid := map[string]string{
		"empty":           `{}`,
		"no list":         `{` + url + `}`,
		"empty list":      `{` + url + `,"CallbackCommandList":[]}`,
		"unknown command": `{` + url + `,"CallbackCommandList":["C2C.CallbackAfterSendMsg"]}`,
		"list a string":   `{` + url + `,"CallbackCommandList":"Call.CallbackAfterEndCall"}`,
		"no scheme":       `{"Url":"www.example.com","CallbackCommandList":[` + endCall + `]}`,
		"another scheme":  `{"Url":"ftp://www.example.com","CallbackCommandList":[` + endCall + `]}`,
		"no host":         `{"Url":"https:///callback","CallbackCommandList":[` + endCall + `]}`,
	}
	for name, body := range invalid {
		require.Equal(t, 100002, r.post(pathSet, body).ErrorCode, name)
	}
	require.Equal(t, 100301, r.post(pathGet, `{}`).ErrorCode)
	require.Zero(t, r.post(pathDelete, `{}`).ErrorCode, "nothing to delete is no error")

	require.Zero(t, r.post(pathSet, `{`+url+`,"CallbackCommandList":["Call.CallbackAfterStartCall","Call.CallbackAfterEndCall"]}`).ErrorCode)
	require.Equal(t, `{"Url":"http://www.example.com/callback","CallbackCommandList":["Call.CallbackAfterStartCall","Call.CallbackAfterEndCall"]}`,
		string(r.post(pathGet, `{}`).Response))
	require.Equal(t, 100301, r.do("POST", pathGet, query(otherApp, otherKey), `{}`).ErrorCode, "every app has its own")

	require.Zero(t, r.post(pathSet, `{"Url":"https://x.example","CallbackCommandList":[`+endCall+`]}`).ErrorCode)
	cfg, ok := r.sim.Callback(testApp)
	require.True(t, ok)
	require.Equal(t, "https://x.example", cfg.URL, "a later one overwrites silently")

	require.Zero(t, r.post(pathDelete, `{}`).ErrorCode)
	require.Equal(t, 100301, r.post(pathGet, `{}`).ErrorCode)
}
