package tencentsim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/audit"
	"aftercall/internal/billing"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

// TestAuditFindsEveryCallWithoutRecord plays seeded days of calls, some of which have no
// record, with webhooks that are repeated, reordered, answered late and, on some days,
// lost, and with a ledger that has some of the recorded calls. The audit must find the
// calls without a record in whose rooms two members were seen, and no other.
func TestAuditFindsEveryCallWithoutRecord(t *testing.T) {
	engines := map[string]func() (string, bool){
		"sqlite":     func() (string, bool) { return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), true },
		"postgresql": func() (string, bool) { return testenv.Postgres(t) },
	}
	for name, create := range engines {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				if url, ok := create(); ok {
					auditDay(t, url, rand.New(rand.NewPCG(22, seed)), seed%2 == 1)
				}
			})
		}
	}
}

const (
	daySeconds = 24 * 3600
	// slotSeconds is longer than any call with its dead air: calls share rooms, but not
	// at the same time.
	slotSeconds = 1200
	// redialSeconds is how soon, at most, the same people call again in the same room.
	redialSeconds = 10
)

func auditDay(t *testing.T, url string, random *rand.Rand, lossy bool) {
	store, err := evidence.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	r := keeping(t, store)

	var calls []Call
	missing, redialed := map[string]bool{}, map[string]bool{}
	var next CallSpec
	for i := range 40 {
		spec := randomCall(random, i, lossy)
		if i > 0 && !lossy && random.IntN(3) == 0 {
			after := calls[i-1].Record
			redial(&spec, next, after.EndTime-after.StartTime, random)
			redialed[spec.CallID], redialed[after.CallID] = true, true
		}
		placed := r.place(spec)
		calls, next = append(calls, placed), spec
		switch {
		case spec.NoRecord:
			missing[placed.Record.CallID] = true
		case random.IntN(3) > 0:
			book(t, l, placed.Record)
		}
	}
	r.wait()

	want := map[string]int64{} // seconds with two members, by call without a record
	for _, placed := range calls {
		call, _ := r.sim.Call(testApp, placed.Record.CallID)
		if seconds, seen := countSeconds(t, call); seen && missing[call.Record.CallID] {
			want[call.Record.CallID] = seconds
		}
	}
	require.NotEmpty(t, want)
	now := time.Unix(testEpoch, 0)
	result, err := audit.Audit{
		App: testApp, Rooms: store, Ledger: l, Now: now, Sweep: sweep.Settings{Overlap: time.Hour, MaxWindow: time.Hour},
		Records: tencent.NewClient(tencent.ClientOptions{
			SDKAppID: testApp, BaseURL: r.url, Identifier: DefaultAdministrator, SecretKey: testKey, HTTP: r.client, Now: r.wall.now,
		}),
	}.Run(t.Context(), now.Add(-4*daySeconds*time.Second), now.Add(-audit.Settle))
	require.NoError(t, err)
	started, err := store.Started(t.Context(), testApp, now.Add(-4*daySeconds*time.Second), now)
	require.NoError(t, err)
	kept := map[string]bool{}
	for _, e := range started {
		kept[e.CallID] = true
	}
	got := map[string]int64{}
	for _, s := range result.Unexplained {
		of := slices.IndexFunc(calls, func(c Call) bool {
			return c.Record.RoomID == s.ID && c.Record.RoomIDType == s.IDType && s.From.Unix() >= c.Record.StartTime && s.From.Unix() <= c.Record.EndTime
		})
		require.NotEqual(t, -1, of, "%+v", s)
		id := calls[of].Record.CallID
		got[id] += s.Seconds
		switch near := s.From.Unix()-calls[of].Record.StartTime < int64(evidence.AroundCall/time.Second); {
		case kept[id] && near:
			require.Equal(t, id, s.CallID)
		case !redialed[id]: // else it may seem to be more of the call before it or after it
			require.Contains(t, []string{"", id}, s.CallID)
		}
	}
	if lossy {
		require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
		return
	}
	require.NotEmpty(t, redialed)
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	for id, seconds := range want {
		if redialed[id] { // the records before and after it explain a little of it
			require.InDelta(t, seconds, got[id], 2*audit.Tolerance.Seconds(), id)
		} else {
			require.Equal(t, seconds, got[id], id)
		}
	}
}

// randomCall is the call number i, which ended two or three days ago, so that those whom
// nobody saw leave have left.
func randomCall(random *rand.Rand, i int, lossy bool) CallSpec {
	rooms := 5
	if lossy {
		rooms = 40 // whoever was not seen to leave a room stays in it
	}
	spec := CallSpec{
		CallID: fmt.Sprintf("call-%d", i), RoomID: fmt.Sprint(1000 + i%rooms), Seconds: random.Int64N(600), GroupSize: 2 + random.IntN(4),
		EndedAgoSeconds: 2*daySeconds + int64(i)*slotSeconds, Robot: random.IntN(5) == 0, NoRecord: random.IntN(3) == 0,
		MemberEvents: EventFaults{Repeat: random.IntN(2), Reorder: true, LoseEvery: random.IntN(4)},
		RoomEvents:   EventFaults{Repeat: random.IntN(3), Reorder: true},
	}
	if random.IntN(2) == 0 {
		spec.Record = []byte(`{"RoomIdType":1}`)
	}
	if lossy {
		spec.RoomEvents.LoseEvery = random.IntN(5)
	}
	for m := range spec.GroupSize {
		if spec.Seconds < 60 || random.IntN(2) == 0 {
			continue
		}
		user, half := fmt.Sprintf("member-%d", m), spec.Seconds/2
		spec.Attendance = append(spec.Attendance, Presence{Member: user, JoinAfterSeconds: random.Int64N(half), LeaveAfterSeconds: half})
		if random.IntN(2) == 0 {
			spec.Attendance = append(spec.Attendance, Presence{Member: user, JoinAfterSeconds: half + random.Int64N(half), Dropped: random.IntN(2) == 0})
		}
	}
	return spec
}

// redial makes a call end a few seconds before the next one of the same room begins, which
// lasts so many seconds. Nobody is still in the room then.
func redial(spec *CallSpec, next CallSpec, seconds int64, random *rand.Rand) {
	spec.RoomID, spec.Record = next.RoomID, next.Record
	spec.Seconds = max(spec.Seconds, 60) // of a shorter one, the tolerance may leave nothing
	spec.EndedAgoSeconds = next.EndedAgoSeconds + seconds + 1 + random.Int64N(redialSeconds)
	for i := range spec.Attendance {
		spec.Attendance[i].Dropped = false
	}
}

// book charges a call.
func book(t *testing.T, l *ledger.Ledger, record tencent.CallRecord) {
	t.Helper()
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	c, err := billing.Rate(record, "standard", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: time.Unix(0, 0).UTC(), Rules: []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}, time.Unix(testEpoch, 0))
	require.NoError(t, err)
	_, _, err = l.Charge(t.Context(), ledger.Entry{
		SDKAppID: testApp, App: "clinic", Record: record, Charge: c, WorkflowID: "call:" + record.CallID, FirstRunID: "run-" + record.CallID,
	})
	require.NoError(t, err)
}

// countSeconds counts, one by one, the seconds in which the webhooks of a call's room that
// were posted have two members in it. seen reports whether there was such a moment at
// all. A member who is not seen to leave never leaves, so then the number says nothing.
func countSeconds(t *testing.T, call Call) (seconds int64, seen bool) {
	t.Helper()
	type stay struct{ from, to int64 }
	moments := map[string]map[int64][2]bool{} // by member and second: enters, leaves
	closed := int64(-1)
	for _, posted := range call.RoomWebhooks {
		e, err := tencent.DecodeRoomEvent(posted.Body)
		require.NoError(t, err)
		at := e.EventTime / 1000
		if e.Type == tencent.RoomDismissed {
			closed = at
		}
		if e.Type != tencent.RoomEntered && e.Type != tencent.RoomLeft {
			continue
		}
		if moments[e.UserID] == nil {
			moments[e.UserID] = map[int64][2]bool{}
		}
		m := moments[e.UserID][at]
		moments[e.UserID][at] = [2]bool{m[0] || e.Type == tencent.RoomEntered, m[1] || e.Type == tencent.RoomLeft}
	}
	var stays []stay
	for _, of := range moments {
		in, since := false, int64(0)
		for _, at := range slices.Sorted(maps.Keys(of)) {
			switch m := of[at]; {
			case m[0] && m[1]:
			case m[0] && !in:
				in, since = true, at
			case m[1] && in:
				stays = append(stays, stay{since, at})
				in = false
			}
		}
		if in && closed >= since {
			stays = append(stays, stay{since, closed})
		} else if in {
			stays = append(stays, stay{since, since + daySeconds})
		}
	}
	for second := call.Record.StartTime; second < call.Record.EndTime+2*daySeconds; second++ {
		n := 0
		for _, s := range stays {
			if second >= s.from && second < s.to {
				n++
			}
		}
		if n >= 2 {
			seconds++
		}
	}
	return seconds, seconds > 0
}
