package tencentsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

// TestCallbackAsDocumented compares query and body with the documentation.
func TestCallbackAsDocumented(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	r.place(CallSpec{
		CallID: "055662e1-bc8a-469c-a334-1126c8c17d58", Members: []string{"10001", "user2"}, RoomID: "roomid-1434",
		RingSeconds: 150,
	})
	r.wait()
	require.Equal(t, []callback{{
		method: http.MethodPost, path: "/tencent/call/s3cret", contentType: "application/json",
		query: url.Values{
			"SdkAppid": {"1400000001"}, "CallbackCommand": {"Call.CallbackAfterEndCall"}, "contenttype": {"json"},
			"ClientIP": {"203.0.113.17"}, "OptPlatform": {"iOS"},
		},
		body: `{"CallbackCommand":"Call.CallbackAfterEndCall",` +
			`"CallRecord":{"CallId":"055662e1-bc8a-469c-a334-1126c8c17d58","Caller_Account":"10001","MediaType":"Audio",` +
			`"CallType":"SingleCall","StartTime":1799999850,"EndTime":1800000000,"AcceptTime":0,"CallResult":"NotAnswer",` +
			`"CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2},` +
			`"EventTime":1800000000000}`,
	}}, b.all())

	c, _ := r.sim.Call(testApp, "055662e1-bc8a-469c-a334-1126c8c17d58")
	require.Len(t, c.Callbacks, 1)
	d := c.Callbacks[0]
	require.Equal(t, 1, d.Number)
	require.Equal(t, tencent.CommandAfterEndCall, d.Command)
	require.Equal(t, http.StatusOK, d.Status)
	require.JSONEq(t, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, d.Answer)
	require.Equal(t, b.all()[0].body, string(d.Body))
	require.Empty(t, d.Error)
}

func TestSignedCallback(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	r.wall.move(1669872112*time.Second - testEpoch*time.Second)
	r.place(CallSpec{SDKAppID: otherApp})
	r.wait()
	got := b.all()[0].query
	require.Equal(t, "1669872112", got.Get("RequestTime"))
	require.Equal(t, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061", got.Get("Sign"), "Tencent's check vector")
	require.Equal(t, "1400000002", got.Get("SdkAppid"))
}

func TestOnlyConfiguredCommands(t *testing.T) {
	t.Run("nothing configured", func(t *testing.T) {
		r := newFixture(t)
		r.place(CallSpec{})
		r.wait()
		require.Equal(t, 1, r.sim.Stats().Callbacks.Unconfigured)
	})
	t.Run("only the start", func(t *testing.T) {
		r := newFixture(t)
		b := r.receive(`"Call.CallbackAfterStartCall"`, nil)
		r.place(CallSpec{CallID: "one", Members: []string{"patient-1", "doctor-2"}, RoomID: "5"})
		r.wait()
		require.Len(t, b.all(), 1)
		require.JSONEq(t, `{"CallbackCommand":"Call.CallbackAfterStartCall","CallInfo":{"CallId":"one","MediaType":"Audio","RoomId":"5",
		 "RoomIdType":2},"UserList":[{"User_Account":"patient-1","Status":"Calling"},{"User_Account":"doctor-2","Status":"Calling"}],
		 "EventTime":1799999992000}`, b.all()[0].body)
		require.Equal(t, "Call.CallbackAfterStartCall", b.all()[0].query.Get("CallbackCommand"))
	})
	t.Run("all of them", func(t *testing.T) {
		r := newFixture(t)
		b := r.receive(`"Call.CallbackAfterStartCall","Call.CallbackAfterMemberChanged",`+endCall, nil)
		r.place(CallSpec{CallID: "one", Seconds: 60, Duplicates: 1})
		r.wait()
		commands := map[string]int{}
		for _, c := range b.all() {
			commands[c.query.Get("CallbackCommand")]++
			require.Contains(t, c.body, `"CallbackCommand":"`+c.query.Get("CallbackCommand")+`"`)
			require.Contains(t, c.body, `"one"`)
		}
		require.Equal(t, map[string]int{
			"Call.CallbackAfterStartCall": 1, "Call.CallbackAfterMemberChanged": 3, "Call.CallbackAfterEndCall": 2,
		}, commands)
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		r := newFixture(t)
		b := r.receive(endCall, nil)
		c := r.place(CallSpec{Lose: true})
		require.Zero(t, r.post(pathDelete, "{}").ErrorCode)
		require.NoError(t, r.sim.RepeatCallback(testApp, c.Record.CallID, nil))
		r.wait()
		require.Empty(t, b.all())
		require.Equal(t, 1, r.sim.Stats().Callbacks.Unconfigured)
	})
}

func TestURLWithQueryIsKept(t *testing.T) {
	r := newFixture(t)
	b := &backend{}
	srv := httptest.NewServer(b)
	defer srv.Close()
	require.Zero(t, r.post(pathSet, `{"Url":"`+srv.URL+`/cb?tenant=7","CallbackCommandList":[`+endCall+`]}`).ErrorCode)
	r.place(CallSpec{})
	r.wait()
	require.Equal(t, "7", b.all()[0].query.Get("tenant"))
	require.Equal(t, "1400000001", b.all()[0].query.Get("SdkAppid"))
}

func TestAnswersAreRecorded(t *testing.T) {
	tests := map[string]struct {
		answer func(n int, w http.ResponseWriter, r *http.Request)
		status int
		body   string
		err    string
	}{
		"refused": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"ActionStatus":"FAIL"}`)
		}, 503, `{"ActionStatus":"FAIL"}`, ""},
		"redirects are not followed": {func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, "", ""},
		"long answer is cut": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 20<<10))
		}, 200, strings.Repeat("x", 16<<10), ""},
		"no answer in time": {func(_ int, _ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, 0, "", "deadline exceeded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			if tt.status == 0 {
				r.sim.timeout = 100 * time.Millisecond
			}
			b := r.receive(endCall, tt.answer)
			c := r.place(CallSpec{})
			r.wait()
			require.Len(t, b.all(), 1)
			got, _ := r.sim.Call(testApp, c.Record.CallID)
			require.Len(t, got.Callbacks, 1)
			require.Equal(t, tt.status, got.Callbacks[0].Status)
			require.Equal(t, tt.body, got.Callbacks[0].Answer)
			require.Contains(t, got.Callbacks[0].Error, tt.err)
			require.NotContains(t, got.Callbacks[0].Error, "s3cret", "the URL is the receiver's secret")
			stats := r.sim.Stats().Callbacks
			require.Equal(t, 1, stats.Posted)
			if tt.status == 0 {
				require.Equal(t, 1, stats.Failed)
			} else {
				require.Equal(t, map[int]int{tt.status: 1}, stats.Answers)
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	r := newFixture(t)
	require.Zero(t, r.post(pathSet, `{"Url":"http://127.0.0.1:1/s3cret","CallbackCommandList":[`+endCall+`]}`).ErrorCode)
	c := r.place(CallSpec{})
	r.wait()
	got, _ := r.sim.Call(testApp, c.Record.CallID)
	require.Contains(t, got.Callbacks[0].Error, "connect")
	require.NotContains(t, got.Callbacks[0].Error, "s3cret")
}

// TestCallbackTimeoutIsTencents checks the setting without waiting for it.
func TestCallbackTimeoutIsTencents(t *testing.T) {
	sim, err := New(t.Context(), Options{Apps: []App{{SDKAppID: testApp, SecretKey: testKey}}})
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, sim.timeout)
	require.NoError(t, sim.Close())
}

func TestRepeatCallback(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	c := r.place(CallSpec{Seconds: 60})
	r.wait()
	r.now.move(8 * 24 * time.Hour)
	require.NoError(t, r.sim.RepeatCallback(testApp, c.Record.CallID, nil))
	r.wait()
	require.NoError(t, r.sim.RepeatCallback(testApp, c.Record.CallID, json.RawMessage(`{"AcceptTime":0,"CallResult":"Cancel"}`)))
	r.wait()
	got := b.all()
	require.Len(t, got, 3)
	require.Equal(t, got[0], got[1], "byte for byte the same, days later")
	require.Contains(t, got[2].body, `"AcceptTime":0,"CallResult":"Cancel"`)
	require.ErrorContains(t, r.sim.RepeatCallback(testApp, "other", nil), "call_id")
	require.ErrorContains(t, r.sim.RepeatCallback(testApp, c.Record.CallID, json.RawMessage(`1`)), "callback")
	seen, _ := r.sim.Call(testApp, c.Record.CallID)
	require.Equal(t, 3, seen.Callbacks[2].Number)
}
