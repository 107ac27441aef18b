package callback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

const (
	roomKey    = "7vFkx09wKq3ZtLrB"
	oldRoomKey = "TheKeyBefore0123"
	roomURL    = RoomPathPrefix + secret
	entered    = `{"EventGroupId":1,"EventType":103,"CallbackTs":1687770731932,"EventInfo":{"RoomId":12345,"EventTs":1687770731,"EventMsTs":1687770731831,"UserId":"test","Role":21,"TerminalType":2,"UserType":3,"Reason":1}}`
	callStart  = `{"CallbackCommand":"Call.CallbackAfterStartCall","CallInfo":{"CallId":"c-1","RoomId":"room-1","RoomIdType":2},"UserList":[{"User_Account":"alice"},{"User_Account":"bob"}],"EventTime":1741231146000}`
	changed    = `{"CallbackCommand":"Call.CallbackAfterMemberChanged","CallId":"c-1","ChangedUserList":[{"User_Account":"bob","ActionType":"Answer"}],"EventTime":1741231147000}`
	changedURL = PathPrefix + secret + "?SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterMemberChanged"
	startURL   = PathPrefix + secret + startedQuery
)

// fakeEvidence keeps events in memory, each once, and can be down.
type fakeEvidence struct {
	mu     sync.Mutex
	kept   []evidence.Event
	down   error
	onKeep func(ctx context.Context)
}

func (f *fakeEvidence) Keep(ctx context.Context, events []evidence.Event) ([]bool, error) {
	if f.onKeep != nil {
		f.onKeep(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, f.down
	}
	added := make([]bool, len(events))
	for i, e := range events {
		if added[i] = !slices.Contains(f.kept, e); added[i] {
			f.kept = append(f.kept, e)
		}
	}
	return added, nil
}

// withEvidence keeps the evidence of clinic, with both sources, and of bank, which has a
// relay, from callbacks.
func withEvidence(t *testing.T) (*fixture, *fakeEvidence) {
	t.Helper()
	store := &fakeEvidence{}
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(*Handler) {})
	for id, change := range map[tencent.SDKAppID]func(*App){
		appID:   func(a *App) { a.Members, a.RoomKeys = true, []string{roomKey, oldRoomKey} },
		relayID: func(a *App) { a.Members = true },
	} {
		app := f.handler.apps[id]
		change(&app.App)
		f.handler.apps[id] = app
	}
	f.handler.KeepEvidence(store, f.reg)
	return f, store
}

// postRoom posts a room's webhook, as Tencent does unless change says otherwise.
func (f *fixture) postRoom(target, body string, change func(http.Header)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("SdkAppId", "1400000000")
	r.Header.Set("Sign", tencent.RoomSign(roomKey, []byte(body)))
	if change != nil {
		change(r.Header)
	}
	return f.do(r)
}

func (f *fixture) requireRooms(lines ...string) {
	f.t.Helper()
	for _, series := range []string{`{app="clinic",outcome="kept",status="200"} `, `{app="clinic",outcome="refused",status="401"} `, `{app="clinic",outcome="unavailable",status="503"} `} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, series) }) {
			lines = append(lines, series+"0")
		}
	}
	f.requireMetric("aftercall_room_webhooks_total", lines...)
}

func TestRoomWebhook(t *testing.T) {
	f, store := withEvidence(t)
	w := f.postRoom(roomURL, entered, nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, `{"code":0}`, w.Body.String())
	answer, err := httputil.DumpResponse(w.Result(), true)
	require.NoError(t, err)
	require.Less(t, len(answer), 1000, "Tencent reads 2,000 bytes; a proxy adds some")
	require.Equal(t, []evidence.Event{{
		SDKAppID: appID, Source: evidence.SourceRoom, RoomID: "12345", RoomIDType: 1, User: "test", Kind: evidence.KindJoined,
		At: time.UnixMilli(1687770731831).UTC(), Detail: "1",
	}}, store.kept)

	require.Equal(t, http.StatusOK, f.postRoom(roomURL, entered, nil).Code)
	require.Len(t, store.kept, 1)
	require.Equal(t, http.StatusOK, f.postRoom(roomURL, `{"EventGroupId":2,"EventType":201,"EventInfo":{}}`, nil).Code)
	old := func(h http.Header) { h.Set("Sign", tencent.RoomSign(oldRoomKey, []byte(entered))) }
	require.Equal(t, http.StatusOK, f.postRoom(roomURL, entered, old).Code)
	require.Equal(t, http.StatusOK, f.postRoom(RoomPathPrefix+oldSecret, entered, nil).Code)
	f.requireRooms(`{app="clinic",outcome="kept",status="200"} 4`, `{app="clinic",outcome="ignored",status="200"} 1`)
	f.requireMetric("aftercall_callback_old_credentials_total", `{app="bank",credential="secret"} 0`, `{app="bank",credential="token"} 0`,
		`{app="clinic",credential="room_key"} 1`, `{app="clinic",credential="secret"} 1`, `{app="clinic",credential="token"} 0`,
		`{app="school",credential="secret"} 0`, `{app="school",credential="token"} 0`)
	f.requireMetric("aftercall_evidence_events_total", `{app="bank",outcome="failed",source="callback"} 0`, `{app="bank",outcome="kept",source="callback"} 0`,
		`{app="clinic",outcome="duplicate",source="room"} 3`, `{app="clinic",outcome="failed",source="callback"} 0`, `{app="clinic",outcome="failed",source="room"} 0`,
		`{app="clinic",outcome="kept",source="callback"} 0`, `{app="clinic",outcome="kept",source="room"} 1`)
	f.requireCallbacks() // none of them is a callback
	require.Zero(t, f.temporal.starts+f.temporal.describes)
}

func TestRefusedRoomWebhooks(t *testing.T) {
	header := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	tests := map[string]struct {
		target, body string
		change       func(http.Header)
		status       int
		info, app    string
	}{
		"wrong secret":      {RoomPathPrefix + "guess", entered, nil, 404, "not found", ""},
		"no secret":         {RoomPathPrefix, entered, nil, 404, "not found", ""},
		"too large":         {roomURL, strings.Repeat(" ", maxBodySize) + entered, nil, 413, "64 KiB", ""},
		"long query":        {roomURL + "?" + strings.Repeat("x", maxQuerySize+1), entered, nil, 414, "4 KiB", ""},
		"no SdkAppId":       {roomURL, entered, func(h http.Header) { h.Del("SdkAppId") }, 403, "SdkAppId", ""},
		"SdkAppId unknown":  {roomURL, entered, header("SdkAppId", "1400009999"), 403, "SdkAppId", ""},
		"SdkAppId of other": {roomURL, entered, header("SdkAppId", "1400000002"), 403, "SdkAppId", ""},
		"app without rooms": {RoomPathPrefix + relayPath, entered, header("SdkAppId", "1400000002"), 403, "SdkAppId", ""},
		"no Sign":           {roomURL, entered, func(h http.Header) { h.Del("Sign") }, 401, "Sign", "clinic"},
		"wrong Sign":        {roomURL, entered, header("Sign", tencent.RoomSign("another", []byte(entered))), 401, "Sign", "clinic"},
		"Sign of other":     {roomURL, entered + " ", header("Sign", tencent.RoomSign(roomKey, []byte(entered))), 401, "Sign", "clinic"},
		"not JSON":          {roomURL, "hello", nil, 400, "body", "clinic"},
		"no room":           {roomURL, strings.Replace(entered, "12345", "null", 1), nil, 400, "RoomId", "clinic"},
		"long room":         {roomURL, strings.Replace(entered, "12345", `"`+strings.Repeat("x", 300)+`"`, 1), nil, 400, "RoomId", "clinic"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, store := withEvidence(t)
			store.onKeep = func(context.Context) { t.Error("nothing of it can be kept") }
			w := f.postRoom(tt.target, tt.body, tt.change)
			require.Equal(t, tt.status, w.Code)
			require.Contains(t, w.Body.String(), tt.info)
			require.NotContains(t, w.Body.String(), "test")
			f.requireRooms(fmt.Sprintf(`{app=%q,outcome="refused",status="%d"} 1`, tt.app, tt.status))
			require.Equal(t, tt.app == "", w.Header().Get("Connection") == "close", "strangers keep no connection")
		})
	}
	f, _ := withEvidence(t)
	require.Equal(t, http.StatusMethodNotAllowed, f.do(httptest.NewRequest(http.MethodGet, roomURL, nil)).Code)
}

func TestMemberCallbacks(t *testing.T) {
	f, store := withEvidence(t)
	f.requireOK(f.post(startURL, callStart))
	f.requireOK(f.post(changedURL, changed))
	f.requireOK(f.post(changedURL, changed))
	started := time.UnixMilli(1741231146000).UTC()
	require.Equal(t, []evidence.Event{
		{SDKAppID: appID, Source: evidence.SourceCallback, CallID: "c-1", RoomID: "room-1", RoomIDType: 2, User: "alice", Kind: evidence.KindCalled, At: started},
		{SDKAppID: appID, Source: evidence.SourceCallback, CallID: "c-1", RoomID: "room-1", RoomIDType: 2, User: "bob", Kind: evidence.KindCalled, At: started},
		{SDKAppID: appID, Source: evidence.SourceCallback, CallID: "c-1", User: "bob", Kind: evidence.KindJoined, At: started.Add(time.Second), Detail: "Answer"},
	}, store.kept)
	f.requireOK(f.post(changedURL, strings.Replace(changed, "Answer", "Wave", 1)))
	w := f.post(changedURL, strings.Replace(changed, `"c-1"`, `""`, 1))
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "CallId")
	require.Equal(t, http.StatusBadRequest, f.post(startURL, strings.Replace(callStart, `"CallInfo"`, `"Info"`, 1)).Code)
	require.Len(t, store.kept, 3)
	f.requireCallbacks(`{app="clinic",outcome="kept",status="200"} 3`,
		`{app="clinic",outcome="ignored",status="200"} 1`, `{app="clinic",outcome="refused",status="400"} 2`)
	require.Zero(t, f.temporal.starts+f.temporal.describes)
}

// TestUnreadableMembers: one user that cannot be read loses no other.
func TestUnreadableMembers(t *testing.T) {
	bob := `{"User_Account":"bob","ActionType":"Answer"}`
	for item, field := range map[string]string{
		`7`: "ChangedUserList[0]",
		`{"User_Account":"","ActionType":"Answer"}`:                                 "ChangedUserList[0].User_Account",
		`{"User_Account":"carol","ActionType":{}}`:                                  "ChangedUserList[0].ActionType",
		`{"User_Account":"` + strings.Repeat("x", 257) + `","ActionType":"Answer"}`: "UserId",
	} {
		f, store := withEvidence(t)
		body := strings.Replace(changed, bob, item+","+bob, 1)
		w := f.post(changedURL, body)
		require.Equal(t, http.StatusBadRequest, w.Code)
		require.Contains(t, w.Body.String(), field)
		require.Len(t, store.kept, 1, field)
		require.Equal(t, "bob", store.kept[0].User)

		store.down = evidence.ErrUnavailable // then it may come again
		require.Equal(t, http.StatusServiceUnavailable, f.post(changedURL, body).Code)
	}
	f, store := withEvidence(t)
	w := f.post(startURL, strings.Replace(callStart, `"alice"`, `{}`, 1))
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "UserList[0].User_Account")
	require.Len(t, store.kept, 1)
	require.Equal(t, "bob", store.kept[0].User)
}

// TestEvidenceIsRelayedToo: what is kept and cannot be relayed must come again.
func TestEvidenceIsRelayedToo(t *testing.T) {
	f, store := withEvidence(t)
	f.requireOK(f.post(relayURL(startCmd), callStart))
	require.Len(t, store.kept, 2)
	require.Len(t, f.temporal.relayed(), 1)
	f.temporal.onRelay = func(context.Context) (bool, error) { return false, errDown }
	require.Equal(t, http.StatusServiceUnavailable, f.post(relayURL(startCmd), callStart).Code)
	f.temporal.onRelay = nil
	store.down = errDown
	require.Equal(t, http.StatusServiceUnavailable, f.post(relayURL(startCmd), callStart).Code)
	require.Len(t, f.temporal.relayed(), 3, "the relay does not depend on the evidence")
	f.requireOK(f.post(relayURL(strings.Replace(startCmd, "AfterStartCall", "Other", 1)), `{}`))
}

// TestEvidenceThatCannotBeKept is answered so that it comes again, and ended calls are
// accepted all the same.
func TestEvidenceThatCannotBeKept(t *testing.T) {
	f, store := withEvidence(t)
	store.down = errors.New("the database of alice does not answer")
	for _, w := range []*httptest.ResponseRecorder{f.postRoom(roomURL, entered, nil), f.post(changedURL, changed)} {
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.NotContains(t, w.Body.String(), "alice")
	}
	f.requireMetric("aftercall_evidence_events_total", `{app="bank",outcome="failed",source="callback"} 0`, `{app="bank",outcome="kept",source="callback"} 0`,
		`{app="clinic",outcome="failed",source="callback"} 1`, `{app="clinic",outcome="failed",source="room"} 1`,
		`{app="clinic",outcome="kept",source="callback"} 0`, `{app="clinic",outcome="kept",source="room"} 0`)
	f.requireOK(f.post(good, body))
	f.handler.limits.Events = &tokens{n: 1}
	store.down = nil
	require.Equal(t, http.StatusOK, f.postRoom(roomURL, entered, nil).Code)
	require.Equal(t, http.StatusTooManyRequests, f.postRoom(roomURL, entered, nil).Code)
	require.Equal(t, http.StatusTooManyRequests, f.post(changedURL, changed).Code)
	f.requireRooms(`{app="clinic",outcome="kept",status="200"} 1`, `{app="clinic",outcome="unavailable",status="503"} 1`, `{app="clinic",outcome="throttled",status="429"} 1`)
}

// TestEvidenceHasADeadline: Tencent gives up after 5 s, however long answers to
// callbacks may take here.
func TestEvidenceHasADeadline(t *testing.T) {
	f, store := withEvidence(t)
	var deadline time.Time
	store.onKeep = func(ctx context.Context) { deadline, _ = ctx.Deadline() }
	f.postRoom(roomURL, entered, nil)
	require.LessOrEqual(t, time.Until(deadline), maxRoomAnswer)
	require.Less(t, maxRoomAnswer, 5*time.Second)
	f.post(changedURL, changed)
	require.Greater(t, time.Until(deadline), maxRoomAnswer, "the fixture gives callbacks 20 s")
}

// TestWithoutEvidence: nothing is kept, and rooms have no path.
func TestWithoutEvidence(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(startURL, callStart))
	f.requireOK(f.post(changedURL, changed))
	f.requireCallbacks(`{app="clinic",outcome="ignored",status="200"} 2`)
	w := f.postRoom(roomURL, entered, nil)
	unknown := f.postRoom("/somewhere", entered, nil)
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Equal(t, unknown.Body.String(), w.Body.String())
	families, err := f.reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		require.NotContains(t, family.GetName(), "evidence")
		require.NotContains(t, family.GetName(), "room")
	}
}

// TestLogOfEvidence has no accounts, rooms, keys or secrets.
func TestLogOfEvidence(t *testing.T) {
	var logs bytes.Buffer
	f, store := withEvidence(t)
	f.handler.logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f.handler.refusals.logger = f.handler.logger
	for range 2 {
		f.postRoom(roomURL, entered, nil)
		f.postRoom(roomURL, entered, func(h http.Header) { h.Set("Sign", "x") })
		f.postRoom(roomURL, strings.Replace(entered, `"test"`, `["test"]`, 1), nil)
		f.post(changedURL, changed)
		f.post(changedURL, strings.Replace(changed, `"Answer"`, `{}`, 1))
		f.post(startURL, callStart)
		store.down = errDown
	}
	require.Contains(t, logs.String(), "EventInfo.UserId")
	for _, private := range []string{"test", "alice", "bob", "12345", "room-1", secret, roomKey} {
		require.NotContains(t, logs.String(), private)
	}
}
