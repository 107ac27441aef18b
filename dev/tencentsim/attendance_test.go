package tencentsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

const roomKey = "ARoomKeyOfTheConsole"

// rooms starts a receiver of the webhooks of testApp's rooms.
func (r *fixture) rooms(answer func(n int, w http.ResponseWriter, r *http.Request)) *backend {
	r.t.Helper()
	b := &backend{answer: answer}
	srv := httptest.NewServer(b)
	r.t.Cleanup(srv.Close)
	r.control(http.MethodPut, "/control/rooms", fmt.Sprintf(`{"sdk_app_id":%d,"url":"%s/tencent/rtc/s3cret","key":%q}`, testApp, srv.URL, roomKey), http.StatusNoContent, nil)
	return b
}

// told are the events of rooms as type, user, seconds after the call's AcceptTime, and reason.
func told(t *testing.T, b *backend, call Call) []string {
	t.Helper()
	var all []string
	for _, c := range b.all() {
		e, err := tencent.DecodeRoomEvent([]byte(c.body))
		require.NoError(t, err)
		require.Equal(t, call.Record.RoomID, e.RoomID)
		require.Equal(t, call.Record.RoomIDType, e.RoomIDType)
		all = append(all, fmt.Sprintf("%d %s %d %d", e.Type, e.UserID, e.EventTime/1000-call.Record.AcceptTime, e.Reason))
	}
	return all
}

// changes are the callbacks about members as user, action and seconds after AcceptTime.
func changes(t *testing.T, b *backend, call Call) []string {
	t.Helper()
	var all []string
	for _, c := range b.all() {
		change, err := tencent.DecodeMemberChange([]byte(c.body))
		require.NoError(t, err)
		require.Equal(t, call.Record.CallID, change.CallID)
		for _, m := range change.Changed {
			all = append(all, fmt.Sprintf("%s %s %d", m.Account, m.Action, change.EventTime/1000-call.Record.AcceptTime))
		}
	}
	return all
}

const memberChanged = `"Call.CallbackAfterMemberChanged"`

// TestAttendance plays joins, leaves, a re-join and a member whose network fails.
func TestAttendance(t *testing.T) {
	r := newFixture(t)
	b, rooms := r.receive(memberChanged, nil), r.rooms(nil)
	call := r.place(CallSpec{
		Seconds: 600, RingSeconds: 8, Members: []string{"a", "b", "c"},
		Attendance: []Presence{
			{Member: "a"},
			{Member: "b", LeaveAfterSeconds: 120},
			{Member: "b", JoinAfterSeconds: 200},
			{Member: "c", JoinAfterSeconds: 10, LeaveAfterSeconds: 400, Dropped: true},
		},
	})
	r.wait()
	require.Equal(t, []string{"b Answer 0", "c Answer 10", "b Hangup 120", "b Join 200", "c Offline 490", "a Hangup 600", "b Hangup 600"}, changes(t, b, call))
	require.Equal(t, []string{
		"101 a -8 0", "103 a -8 1", "103 b 0 1", "103 c 10 1", "104 b 120 1", "103 b 200 1", "104 c 490 2", "104 a 600 1", "104 b 600 1", "102  600 0",
	}, told(t, rooms, call))
	stored, _ := r.sim.Call(testApp, call.Record.CallID)
	require.Len(t, stored.RoomWebhooks, 10)
	require.Equal(t, 10, r.sim.Stats().Callbacks.RoomAccepted)
}

func TestAttendanceByDefault(t *testing.T) {
	for name, c := range map[string]struct {
		spec           CallSpec
		changed, rooms []string
	}{
		"connected":     {CallSpec{Seconds: 60}, []string{"b Answer 0", "a Hangup 60", "b Hangup 60"}, []string{"101 a -8 0", "103 a -8 1", "103 b 0 1", "104 a 60 1", "104 b 60 1", "102  60 0"}},
		"not connected": {CallSpec{}, []string{"b NotAnswer 1800000000"}, []string{"101 a 1799999992 0", "103 a 1799999992 1", "104 a 1800000000 1", "102  1800000000 0"}},
		"a robot":       {CallSpec{Seconds: 60, Robot: true}, []string{"b Answer 0", "b Hangup 60"}, []string{"101 b 0 0", "103 b 0 1", "104 b 60 1", "102  60 0"}},
		"digit room":    {CallSpec{Robot: true, RoomID: "12345", Record: json.RawMessage(`{"RoomIdType":1}`)}, []string{"b NotAnswer 1800000000"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			b, rooms := r.receive(memberChanged, nil), r.rooms(nil)
			c.spec.Members = []string{"a", "b"}
			call := r.place(c.spec)
			r.wait()
			require.Equal(t, c.changed, changes(t, b, call))
			require.Equal(t, c.rooms, told(t, rooms, call))
		})
	}
}

// TestRoomWebhooksAreSigned over their bytes.
func TestRoomWebhooksAreSigned(t *testing.T) {
	r := newFixture(t)
	var signs []string
	rooms := r.rooms(func(_ int, _ http.ResponseWriter, req *http.Request) {
		signs = append(signs, req.Header.Get("Sign"))
		require.Equal(t, fmt.Sprint(testApp), req.Header.Get("SdkAppId"))
	})
	r.place(CallSpec{Seconds: 60, RoomID: "12345", Record: json.RawMessage(`{"RoomIdType":1}`)})
	r.wait()
	for i, sign := range signs {
		_, err := tencent.VerifyRoomSign(sign, []string{roomKey}, []byte(rooms.all()[i].body))
		require.NoError(t, err)
	}
	require.Contains(t, rooms.all()[0].body, `"RoomId":12345,`)
	r.control(http.MethodPut, "/control/rooms", fmt.Sprintf(`{"sdk_app_id":%d}`, testApp), http.StatusNoContent, nil)
	r.place(CallSpec{Seconds: 60})
	r.wait()
	require.Len(t, rooms.all(), len(signs))
	for body, problem := range map[string]string{
		`{"sdk_app_id":1,"url":"http://x/","key":"k"}`:             "sdk_app_id",
		`{"sdk_app_id":1400000001,"url":"ftp://x/","key":"k"}`:     "url",
		`{"sdk_app_id":1400000001,"url":"http://x/"}`:              "key",
		`{"sdk_app_id":1400000001,"url":"http://x/","keys":"k,l"}`: "keys",
	} {
		var answer map[string]string
		r.control(http.MethodPut, "/control/rooms", body, http.StatusBadRequest, &answer)
		require.Contains(t, answer["error"], problem)
	}
}

// TestRoomWebhooksAreRepeated until they are answered, or a minute is over.
func TestRoomWebhooksAreRepeated(t *testing.T) {
	r := newFixture(t, func(o *Options) { o.RoomRetry = time.Millisecond })
	fails := map[string]int{}
	var mu sync.Mutex
	rooms := r.rooms(func(_ int, w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sign := req.Header.Get("Sign")
		if fails[sign]++; fails[sign] <= 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	call := r.place(CallSpec{Seconds: 60})
	r.wait()
	require.Len(t, rooms.all(), 6*4)
	stored, _ := r.sim.Call(testApp, call.Record.CallID)
	require.Len(t, stored.RoomWebhooks, 6*4)

	never := r.rooms(func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	r.place(CallSpec{Seconds: 60})
	r.wait()
	require.Len(t, never.all(), 6*roomAttempts)
}

func TestEventFaults(t *testing.T) {
	events := func(member, room EventFaults) (changed, toldEvents []string) {
		r := newFixture(t)
		b, rooms := r.receive(memberChanged, nil), r.rooms(nil)
		call := r.place(CallSpec{Seconds: 600, Members: []string{"a", "b", "c", "d"}, MemberEvents: member, RoomEvents: room})
		r.wait()
		return changes(t, b, call), told(t, rooms, call)
	}
	allChanged, allTold := events(EventFaults{}, EventFaults{})
	require.Len(t, allChanged, 7)
	require.Len(t, allTold, 10)
	changed, none := events(EventFaults{LoseEvery: 3}, EventFaults{LoseEvery: 1})
	require.Equal(t, []string{allChanged[0], allChanged[1], allChanged[3], allChanged[4], allChanged[6]}, changed)
	require.Empty(t, none)
	changed, repeated := events(EventFaults{Reorder: true}, EventFaults{Repeat: 2, Reorder: true})
	require.NotEqual(t, allChanged, changed)
	require.ElementsMatch(t, allChanged, changed)
	require.ElementsMatch(t, slices.Concat(allTold, allTold, allTold), repeated)
}

func TestCallWithoutRecord(t *testing.T) {
	r := newFixture(t)
	call := r.place(CallSpec{Seconds: 60, NoRecord: true})
	for _, wait := range []time.Duration{0, time.Hour, Retention} {
		r.now.move(wait)
		require.Equal(t, 101050, r.post(pathByID, fmt.Sprintf(`{"CallId":%q}`, call.Record.CallID)).ErrorCode)
	}
	require.EqualValues(t, 60, call.Record.ConnectedSeconds())
}

func TestInvalidAttendance(t *testing.T) {
	r := newFixture(t)
	for problem, spec := range map[string]CallSpec{
		"attendance[0].member":              {Seconds: 60, Attendance: []Presence{{}}},
		"attendance[0]: the call":           {Attendance: []Presence{{Member: "a"}}},
		"attendance[0].leave_after_seconds": {Seconds: 60, Attendance: []Presence{{Member: "a", JoinAfterSeconds: 5, LeaveAfterSeconds: 4}}},
		"attendance[0]: must not be after":  {Seconds: 60, Attendance: []Presence{{Member: "a", JoinAfterSeconds: 61}}},
		"member_events.lose_every":          {MemberEvents: EventFaults{LoseEvery: -1}},
		"room_events.repeat":                {RoomEvents: EventFaults{Repeat: -1}},
		"record_after_seconds":              {NoRecord: true, RecordAfterSeconds: 7},
	} {
		spec.SDKAppID = testApp
		_, err := r.sim.PlaceCall(spec)
		require.ErrorContains(t, err, problem)
	}
}
