package tencentsim

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestControlCalls(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	var placed Call
	r.control("POST", "/control/calls",
		`{"sdk_app_id":1400000001,"media":"Video","seconds":130,"result":"NormalEnd","duplicates":2}`, http.StatusCreated, &placed)
	require.EqualValues(t, 130, placed.Record.ConnectedSeconds())
	r.wait()
	require.Len(t, b.all(), 3)

	var seen Call
	r.control("GET", "/control/calls/"+placed.Record.CallID, "", http.StatusOK, &seen)
	require.Equal(t, placed.Record, seen.Record)
	require.Len(t, seen.Callbacks, 3)
	require.Equal(t, 200, seen.Callbacks[2].Status)

	r.control("POST", "/control/calls/"+placed.Record.CallID+"/repeat", `{"callback":{"EndTime":7}}`, http.StatusAccepted, nil)
	r.wait()
	require.Contains(t, b.all()[3].body, `"EndTime":7,`)

	second := r.place(CallSpec{})
	var listed []Call
	r.control("GET", "/control/calls", "", http.StatusOK, &listed)
	require.Equal(t, []string{second.Record.CallID, placed.Record.CallID}, []string{listed[0].Record.CallID, listed[1].Record.CallID})
	r.control("GET", "/control/calls?limit=1", "", http.StatusOK, &listed)
	require.Len(t, listed, 1)
	r.wait()
}

func TestControlOfOneCallInTwoApps(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{CallID: "same", Seconds: 1})
	r.place(CallSpec{CallID: "same", Seconds: 2, SDKAppID: otherApp})
	r.control("GET", "/control/calls/same", "", http.StatusNotFound, nil)
	var seen Call
	r.control("GET", "/control/calls/same?sdk_app_id=1400000002", "", http.StatusOK, &seen)
	require.EqualValues(t, 2, seen.Record.ConnectedSeconds())
}

func TestControlFaults(t *testing.T) {
	r := newFixture(t)
	var f Faults
	r.control("PUT", "/control/faults", `{"loss_share":0.25,"loss_seed":7,"apis":[{"code":101001,"times":2}]}`, http.StatusOK, &f)
	require.Equal(t, r.sim.Faults(), f)
	require.Equal(t, 101001, r.post(pathGet, "{}").ErrorCode)
	var remaining Faults
	r.control("GET", "/control/faults", "", http.StatusOK, &remaining)
	require.Equal(t, 1, remaining.APIs[0].Times)
	r.control("DELETE", "/control/faults", "", http.StatusNoContent, nil)
	require.Zero(t, r.sim.Faults())
	require.Equal(t, 100301, r.post(pathGet, "{}").ErrorCode)
}

func TestControlRefuses(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{CallID: "one"})
	tests := map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"unknown field":  {"POST", "/control/calls", `{"sdk_app_id":1400000001,"secs":3}`, 400, `unknown field "secs"`},
		"trailing data":  {"POST", "/control/calls", `{} {}`, 400, "something after"},
		"empty":          {"POST", "/control/calls", ``, 400, "body"},
		"bad spec":       {"POST", "/control/calls", `{"sdk_app_id":1400000001,"seconds":-3}`, 400, "seconds: must be between"},
		"unknown app":    {"POST", "/control/calls", `{"sdk_app_id":7}`, 400, "sdk_app_id"},
		"bad limit":      {"GET", "/control/calls?limit=x", ``, 400, "limit"},
		"no such call":   {"GET", "/control/calls/two", ``, 404, "no such call"},
		"another app's":  {"GET", "/control/calls/one?sdk_app_id=1400000002", ``, 404, "no such call"},
		"repeat unknown": {"POST", "/control/calls/two/repeat", `{}`, 404, "no such call"},
		"repeat badly":   {"POST", "/control/calls/one/repeat", `{"callback":7}`, 400, "callback"},
		"bad fault":      {"PUT", "/control/faults", `{"loss_share":2}`, 400, "loss_share"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var problem struct{ Error string }
			r.control(tt.method, tt.path, tt.body, tt.status, &problem)
			require.Contains(t, problem.Error, tt.says)
		})
	}
	status, _, err := r.raw("PATCH", "/control/faults", "{}")
	require.NoError(t, err)
	require.Equal(t, http.StatusMethodNotAllowed, status)
	require.NoError(t, r.sim.Close())
	r.control("POST", "/control/calls", `{"sdk_app_id":1400000001}`, http.StatusServiceUnavailable, nil)
}

// TestSpecSurvivesJSON makes sure that every field of a spec can be set by HTTP.
func TestSpecSurvivesJSON(t *testing.T) {
	spec := CallSpec{
		SDKAppID: testApp, CallID: "one", Media: "Video", Result: "Offline", Caller: "patient-7",
		GroupSize: 3, RoomID: "r", Seconds: 1, RingSeconds: 2, EndedAgoSeconds: 3,
		Record: json.RawMessage(`{"a":1}`), RecordAfterSeconds: 4, RecordFault: &APIFault{Code: 5, Times: 6},
		Lose: true, Duplicates: 8, Concurrent: true,
		Callback: json.RawMessage(`{"b":2}`), LaterCallback: json.RawMessage(`{"c":3}`),
	}
	data, err := json.Marshal(spec)
	require.NoError(t, err)
	var back CallSpec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, spec, back)
}
