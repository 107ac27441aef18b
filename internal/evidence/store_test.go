package evidence_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const app = tencent.SDKAppID(1400000000)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 831e6, time.UTC)

// engines are those that the suite runs on.
var engines = []struct {
	name   string
	create func(t testing.TB) (url string, ok bool)
	driver string
	source func(url string) string
}{
	{"sqlite", func(t testing.TB) (string, bool) { return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), true }, "sqlite", func(url string) string {
		return "file:" + strings.TrimPrefix(url, "sqlite:") + "?_busy_timeout=10000"
	}},
	{"postgresql", testenv.Postgres, "pgx", func(url string) string { return url }},
}

// suite is what every engine must do.
var suite = []struct {
	name string
	test func(t *testing.T, url string, db *sql.DB)
}{
	{"each event once", testOnce},
	{"natural key", testNaturalKey},
	{"events that cannot be kept", testInvalid},
	{"events of a call", testOfCall},
	{"rooms in use", testRoomsInUse},
	{"rooms in use by odd events", testRoomsInUseOdd},
	{"last events", testLast},
	{"retention", testRetention},
	{"append-only", testAppendOnly},
	{"beside a ledger", testBesideLedger},
	{"read-only", testReadOnly},
	{"try a write", testTryWrite},
	{"many writers", testManyWriters},
	{"a later release", testLaterRelease},
}

func TestStore(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			for _, c := range suite {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					url, ok := engine.create(t)
					if !ok {
						return
					}
					db, err := sql.Open(engine.driver, engine.source(url))
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, db.Close()) })
					c.test(t, url, db)
				})
			}
		})
	}
}

func open(t *testing.T, url string) *evidence.Store {
	t.Helper()
	s, err := evidence.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func member(user string, kind evidence.Kind, after time.Duration) evidence.Event {
	return evidence.Event{SDKAppID: app, Source: evidence.SourceCallback, CallID: "call-1", User: user, Kind: kind, At: noon.Add(after), Detail: "Answer"}
}

func inRoom(room tencent.RoomID, user string, kind evidence.Kind, after time.Duration) evidence.Event {
	return evidence.Event{SDKAppID: app, Source: evidence.SourceRoom, RoomID: room, RoomIDType: 2, User: user, Kind: kind, At: noon.Add(after), Detail: "1"}
}

func keep(t *testing.T, s *evidence.Store, events ...evidence.Event) []bool {
	t.Helper()
	added, err := s.Insert(t.Context(), events)
	require.NoError(t, err)
	return added
}

// all returns the events without their IDs.
func all(t *testing.T, s *evidence.Store, c evidence.Call) []evidence.Event {
	t.Helper()
	events, err := s.OfCall(t.Context(), c)
	require.NoError(t, err)
	for i := range events {
		require.Positive(t, events[i].ID)
		events[i].ID = 0
	}
	return events
}

func testOnce(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	a, b := member("alice", evidence.KindJoined, 0), member("bob", evidence.KindJoined, time.Second)
	require.Equal(t, []bool{true}, keep(t, s, a))
	require.Equal(t, []bool{false, true, false}, keep(t, s, a, b, b))
	require.Empty(t, keep(t, s))
	other := a
	other.Detail = "Accept"
	require.Equal(t, []bool{false}, keep(t, s, other), "Tencent's word for it is no part of the key")
	require.Equal(t, []evidence.Event{a, b}, all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"}))

	// More than one statement inserts.
	many := make([]evidence.Event, 450)
	for i := range many {
		many[i] = member("carol", evidence.KindJoined, time.Duration(450-i)*time.Minute)
	}
	for _, added := range keep(t, s, many...) {
		require.True(t, added)
	}
	for _, added := range keep(t, s, many...) {
		require.False(t, added)
	}
}

// testNaturalKey changes each field of the key.
func testNaturalKey(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	base := evidence.Event{
		SDKAppID: app, Source: evidence.SourceCallback, CallID: "c", RoomID: "r", RoomIDType: 2, User: "u", Kind: evidence.KindJoined, At: noon,
	}
	keep(t, s, base)
	for name, change := range map[string]func(e *evidence.Event){
		"app":          func(e *evidence.Event) { e.SDKAppID++ },
		"source":       func(e *evidence.Event) { e.Source = evidence.SourceRoom },
		"call":         func(e *evidence.Event) { e.CallID = "C" },
		"room":         func(e *evidence.Event) { e.RoomID = "R" },
		"type of room": func(e *evidence.Event) { e.RoomIDType = 1 },
		"user":         func(e *evidence.Event) { e.User = "U" },
		"kind":         func(e *evidence.Event) { e.Kind = evidence.KindLeft },
		"time":         func(e *evidence.Event) { e.At = e.At.Add(time.Millisecond) },
	} {
		changed := base
		change(&changed)
		require.Equal(t, []bool{true}, keep(t, s, changed), name)
		require.Equal(t, []bool{false}, keep(t, s, changed), name)
	}
}

func testInvalid(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	good := member("alice", evidence.KindJoined, 0)
	for name, change := range map[string]func(e *evidence.Event){
		"no app":                   func(e *evidence.Event) { e.SDKAppID = 0 },
		"neither call nor room":    func(e *evidence.Event) { e.CallID = "" },
		"long call":                func(e *evidence.Event) { e.CallID = strings.Repeat("x", 129) },
		"long room":                func(e *evidence.Event) { e.RoomID = tencent.RoomID(strings.Repeat("x", 257)) },
		"long user":                func(e *evidence.Event) { e.User = strings.Repeat("x", 257) },
		"NUL":                      func(e *evidence.Event) { e.User = "a\x00" },
		"not UTF-8":                func(e *evidence.Event) { e.User = "\xff" },
		"unknown type of room":     func(e *evidence.Event) { e.RoomIDType = 3 },
		"no time":                  func(e *evidence.Event) { e.At = time.Time{} },
		"a time in the year 10000": func(e *evidence.Event) { e.At = time.Unix(tencent.MaxTime+1, 0) },
	} {
		bad := good
		change(&bad)
		_, err := s.Insert(t.Context(), []evidence.Event{good, bad})
		require.ErrorAs(t, err, new(*tencent.FieldError), name)
	}
	require.Empty(t, all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"}), "all or nothing")
	long := good
	long.User, long.Detail = strings.Repeat("é", 128), strings.Repeat("é", 100)+"\x00\xff"
	require.Equal(t, []bool{true}, keep(t, s, long))
	require.Equal(t, strings.Repeat("é", 32), all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"})[0].Detail)
}

func testOfCall(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	called := member("alice", evidence.KindCalled, -time.Second)
	called.RoomID, called.RoomIDType = "room", 2
	events := []evidence.Event{
		called,
		inRoom("room", "alice", evidence.KindJoined, 0),
		member("bob", evidence.KindJoined, time.Second),
		inRoom("room", "bob", evidence.KindJoined, time.Second),
		inRoom("room", "bob", evidence.KindLeft, time.Minute),
	}
	late := inRoom("room", "bob", evidence.KindLeft, time.Hour)
	digits := inRoom("room", "bob", evidence.KindJoined, 0)
	digits.RoomIDType = 1
	otherCall, otherApp := member("bob", evidence.KindJoined, 0), member("bob", evidence.KindJoined, 0)
	otherCall.CallID, otherApp.SDKAppID = "call-2", app+1
	keep(t, s, late, digits, otherCall, otherApp, inRoom("another", "bob", evidence.KindJoined, 0))
	keep(t, s, events[4], events[3], events[2], events[1], events[0])

	require.Equal(t, events, all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1", RoomID: "room", RoomIDType: 2, From: noon, To: noon.Add(time.Hour)}))
	require.Equal(t, []evidence.Event{events[0], events[2]}, all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"}))
	require.Equal(t, []evidence.Event{digits}, all(t, s, evidence.Call{SDKAppID: app, RoomID: "room", RoomIDType: 1, From: noon, To: noon.Add(time.Hour)}))
	require.Empty(t, all(t, s, evidence.Call{SDKAppID: app}))
	record := tencent.CallRecord{CallID: "call-1", RoomID: "room", RoomIDType: 2, StartTime: noon.Unix(), EndTime: noon.Unix() + 60}
	require.Equal(t, events, all(t, s, evidence.CallOf(app, record)))
	typeless := record
	typeless.RoomIDType = 0
	require.Equal(t, slices.Insert(slices.Clone(events), 1, digits), all(t, s, evidence.CallOf(app, typeless)))

	second := member("bob", evidence.KindCalled, time.Second)
	second.CallID, second.RoomID, second.RoomIDType = "call-2", "room", 2
	elsewhere, later := second, second
	elsewhere.RoomID, later.At = "elsewhere", noon.Add(time.Hour)
	keep(t, s, second, elsewhere, later)
	call := evidence.CallOf(app, record)
	require.Equal(t, events, all(t, s, call))
	call.Others = true
	require.Equal(t, []evidence.Event{events[0], events[1], events[2], second, events[3], events[4]}, all(t, s, call))
	call.RoomIDType = 0
	require.Contains(t, all(t, s, call), second)
	call.RoomIDType = 2

	for limit := range 6 {
		call.Limit = limit + 1
		limited, err := s.OfCall(t.Context(), call)
		if call.Limit < 6 {
			require.ErrorIs(t, err, evidence.ErrTooMany, limit)
			require.Empty(t, limited)
			continue
		}
		require.NoError(t, err)
		require.Len(t, limited, 6)
	}

	calls := []evidence.Call{
		evidence.CallOf(app, record),
		evidence.CallOf(app, typeless),
		{SDKAppID: app, CallID: "call-2"},
		{SDKAppID: app, CallID: "call-1"},
		{SDKAppID: app},
		{SDKAppID: app, RoomID: "room", RoomIDType: 1, From: noon, To: noon.Add(time.Hour)},
		{SDKAppID: app, RoomID: "room", RoomIDType: 2, From: noon, To: noon.Add(1)},
	}
	for range 200 { // more than one query asks for
		calls = append(calls, evidence.Call{SDKAppID: app, CallID: "none", RoomID: "none", RoomIDType: 2})
	}
	calls = append(calls, calls[0])
	ofCalls, err := s.OfCalls(t.Context(), app, calls)
	require.NoError(t, err)
	for i, c := range calls {
		want, err := s.OfCall(t.Context(), c)
		require.NoError(t, err)
		require.Len(t, ofCalls[i], len(want))
		for j := range want {
			require.Equal(t, want[j], ofCalls[i][j])
		}
	}

	started, err := s.Started(t.Context(), app, noon.Add(-time.Second), noon)
	require.NoError(t, err)
	require.Len(t, started, 1)
	require.Equal(t, tencent.RoomID("room"), started[0].RoomID)
}

func testRoomsInUse(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	const m = time.Minute
	keep(
		t, s,
		// Two members from 2 to 5 min, and again from 6 to 7.
		inRoom("a", "", evidence.KindOpened, 0), inRoom("a", "alice", evidence.KindJoined, 1*m), inRoom("a", "bob", evidence.KindJoined, 2*m),
		inRoom("a", "carol", evidence.KindJoined, 3*m), inRoom("a", "carol", evidence.KindLeft, 4*m),
		inRoom("a", "bob", evidence.KindDropped, 5*m), inRoom("a", "bob", evidence.KindLeft, 5*m+1), inRoom("a", "bob", evidence.KindJoined, 6*m),
		inRoom("a", "", evidence.KindClosed, 7*m),
		// One alone, whom another one follows.
		inRoom("b", "alice", evidence.KindJoined, 1*m), inRoom("b", "alice", evidence.KindLeft, 9*m), inRoom("b", "bob", evidence.KindJoined, 9*m),
		inRoom("b", "bob", evidence.KindLeft, 10*m),
		// Two who never leave.
		inRoom("c", "alice", evidence.KindJoined, 1*m), inRoom("c", "bob", evidence.KindJoined, 2*m),
		// One of two.
		inRoom("d", "alice", evidence.KindJoined, 1*m), inRoom("d", "bob", evidence.KindJoined, 2*m), inRoom("d", "bob", evidence.KindLeft, 4*m),
		// Callbacks are no events of a room.
		member("alice", evidence.KindJoined, 1*m), member("bob", evidence.KindJoined, 1*m),
	)
	digits := inRoom("a", "alice", evidence.KindJoined, 0)
	digits.RoomIDType = 1
	keep(t, s, digits)
	const day = 24 * time.Hour
	use := func(room tencent.RoomID, from, to time.Duration, members int, emptyAt time.Duration, neverLeft bool) evidence.RoomUse {
		return evidence.RoomUse{RoomID: room, RoomIDType: 2, From: noon.Add(from), To: noon.Add(to), Members: members, EmptyAt: noon.Add(emptyAt), NeverLeft: neverLeft}
	}
	ofA := []evidence.RoomUse{use("a", 2*m, 5*m, 3, 7*m, false), use("a", 6*m, 7*m, 2, 7*m, false)}
	neverLeft := []evidence.RoomUse{use("c", 2*m, 2*m, 2, day+2*m, true), use("d", 2*m, 4*m, 2, day+1*m, true)}
	for name, c := range map[string]struct {
		from, to time.Duration
		want     []evidence.RoomUse
	}{
		"those that ended":     {0, 10 * m, ofA},
		"before it was empty":  {0, 7 * m, nil},
		"when it was empty":    {7 * m, 7*m + time.Millisecond, ofA},
		"later":                {8 * m, day, nil},
		"a day later":          {day, day + 10*m, neverLeft},
		"two days later":       {2 * day, 2*day + 10*m, nil},
		"each once":            {day + 1*m, day + 2*m, neverLeft[1:]},
		"all":                  {0, 2 * day, append(slices.Clone(ofA), neverLeft...)},
		"long after the event": {30 * day, 31 * day, nil},
	} {
		uses, err := s.RoomsInUse(t.Context(), app, noon.Add(c.from), noon.Add(c.to))
		require.NoError(t, err)
		require.Equal(t, c.want, uses, name)
	}
	uses, err := s.RoomsInUse(t.Context(), app+1, noon, noon.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, uses)
}

// testRoomsInUseOdd has events that were lost, and that come in one millisecond.
func testRoomsInUseOdd(t *testing.T, url string, _ *sql.DB) {
	const m = time.Minute
	type event struct {
		user string
		kind evidence.Kind
		at   time.Duration
	}
	type use struct {
		from, to  time.Duration
		members   int
		neverLeft bool
	}
	in, out, closed := evidence.KindJoined, evidence.KindLeft, evidence.KindClosed
	s := open(t, url)
	n := 0
	for name, c := range map[string]struct {
		events []event
		want   []use
	}{
		"one enters again, over another network": {
			[]event{{"a", in, 0}, {"b", in, 1 * m}, {"a", in, 3 * m}, {"a", out, 9 * m}, {"b", out, 9 * m}},
			[]use{{1 * m, 9 * m, 2, true}},
		},
		"all leavings of a call were lost, and the room is used again": {
			[]event{{"a", in, 0}, {"b", in, 1 * m}, {"a", in, 60 * m}, {"b", in, 61 * m}, {"a", out, 70 * m}, {"b", out, 70 * m}},
			// From 60 min on b may still be there.
			[]use{{1 * m, 1 * m, 2, true}, {60 * m, 70 * m, 2, true}},
		},
		"the leaving of the second was lost": {
			[]event{{"a", in, 0}, {"b", in, 1 * m}, {"a", out, 5 * m}, {"", closed, 5 * m}},
			[]use{{1 * m, 5 * m, 2, false}},
		},
		"an entering was lost":  {[]event{{"a", in, 0}, {"b", out, 5 * m}, {"a", out, 5 * m}}, nil},
		"one follows the other": {[]event{{"a", in, 0}, {"a", out, 5 * m}, {"b", in, 5 * m}, {"b", out, 9 * m}}, nil},
		"one replaces another": {
			[]event{{"a", in, 0}, {"c", in, 0}, {"a", out, 5 * m}, {"b", in, 5 * m}, {"b", out, 9 * m}, {"c", out, 9 * m}},
			[]use{{0, 9 * m, 2, false}},
		},
		"out and in at once": {
			[]event{{"a", in, 0}, {"b", in, 0}, {"b", out, 5 * m}, {"b", in, 5 * m}, {"b", out, 9 * m}, {"a", out, 9 * m}},
			[]use{{0, 9 * m, 2, false}},
		},
		"in and out at once": {[]event{{"a", in, 0}, {"b", in, 5 * m}, {"b", out, 5 * m}, {"a", out, 9 * m}}, nil},
		"closed and in at once": {
			[]event{{"a", in, 0}, {"b", in, 0}, {"", closed, 5 * m}, {"b", in, 5 * m}, {"b", out, 9 * m}},
			[]use{{0, 5 * m, 2, false}},
		},
	} {
		n++
		room := tencent.RoomID(name)
		var events []evidence.Event
		for _, e := range c.events {
			events = append(events, inRoom(room, e.user, e.kind, e.at))
		}
		other := tencent.SDKAppID(int(app) + n)
		reversed := slices.Clone(events)
		slices.Reverse(reversed)
		for i := range events {
			events[i].SDKAppID = other
			reversed[i].SDKAppID = other + 100
			if reversed[i].Kind == closed { // its RoomId is a number, or the other way about
				reversed[i].RoomIDType = 3 - reversed[i].RoomIDType
			}
		}
		keep(t, s, events...)
		for _, e := range reversed { // the order in which they are kept does not matter
			keep(t, s, e)
		}
		for _, of := range []tencent.SDKAppID{other, other + 100} {
			found, err := s.RoomsInUse(t.Context(), of, noon, noon.Add(48*time.Hour))
			require.NoError(t, err)
			var got []use
			for _, u := range found {
				got = append(got, use{u.From.Sub(noon), u.To.Sub(noon), u.Members, u.NeverLeft})
			}
			require.Equal(t, c.want, got, name)
		}
	}
}

func testLast(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	last, err := s.Last(t.Context(), app, noon.Add(2*time.Hour))
	require.NoError(t, err)
	require.Empty(t, last)
	keep(t, s, member("alice", evidence.KindJoined, 0), member("alice", evidence.KindLeft, time.Hour), inRoom("r", "alice", evidence.KindLeft, time.Minute))
	keep(t, s, member("alice", evidence.KindLeft, 365*24*time.Hour))
	last, err = s.Last(t.Context(), app, noon.Add(2*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []evidence.LastEvent{{app, evidence.SourceCallback, noon.Add(time.Hour)}, {app, evidence.SourceRoom, noon.Add(time.Minute)}}, last)
}

func testRetention(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	var events []evidence.Event
	for i := range 1200 {
		e := member("alice", evidence.KindJoined, -time.Duration(i)*time.Second)
		if e.SDKAppID = app + tencent.SDKAppID(i%2); i%3 == 0 {
			e.Source = evidence.SourceRoom
		}
		events = append(events, e)
	}
	keep(t, s, events...)
	total := 0
	for {
		n, err := s.DeleteBefore(t.Context(), noon.Add(-9*time.Second))
		require.NoError(t, err)
		require.LessOrEqual(t, n, 500)
		if n == 0 {
			break
		}
		total += n
	}
	require.Equal(t, 1190, total)
	left := len(all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"})) + len(all(t, s, evidence.Call{SDKAppID: app + 1, CallID: "call-1"}))
	require.Equal(t, 10, left)
}

func testAppendOnly(t *testing.T, url string, db *sql.DB) {
	s := open(t, url)
	e := member("alice", evidence.KindJoined, 0)
	keep(t, s, e)
	_, err := db.ExecContext(t.Context(), "UPDATE evidence_events SET at = at + 1")
	require.ErrorContains(t, err, "append-only")
	_, err = db.ExecContext(t.Context(), "UPDATE evidence_events SET user_id = 'mallory'")
	require.ErrorContains(t, err, "append-only")
	require.Equal(t, []evidence.Event{e}, all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"}))
}

// testBesideLedger has both in one database.
func testBesideLedger(t *testing.T, url string, _ *sql.DB) {
	s := open(t, url)
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	keep(t, s, member("alice", evidence.KindJoined, 0))
	require.NoError(t, l.Ping(t.Context()))
	report, err := l.Verify(t.Context(), ledger.Evidence{}, func(f ledger.Finding) { require.Fail(t, "finding", "%+v", f) }, nil)
	require.NoError(t, err)
	require.Zero(t, report.Entries)
	require.NoError(t, s.Ping(t.Context()))
}

func testReadOnly(t *testing.T, url string, _ *sql.DB) {
	_, err := evidence.OpenReadOnly(t.Context(), url)
	require.ErrorIs(t, err, evidence.ErrMissing)
	keep(t, open(t, url), member("alice", evidence.KindJoined, 0))
	s, err := evidence.OpenReadOnly(t.Context(), url)
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, all(t, s, evidence.Call{SDKAppID: app, CallID: "call-1"}), 1)
	_, err = s.Insert(t.Context(), []evidence.Event{member("bob", evidence.KindJoined, 0)})
	require.Error(t, err)
	require.NoError(t, s.TryWrite(t.Context()))
}

func testTryWrite(t *testing.T, url string, db *sql.DB) {
	s := open(t, url)
	require.NoError(t, s.TryWrite(t.Context()))
	require.Empty(t, all(t, s, evidence.Call{SDKAppID: 1, CallID: "try"}))
	_, err := db.ExecContext(t.Context(), "DROP TABLE evidence_events")
	require.NoError(t, err)
	require.Error(t, s.TryWrite(t.Context()))
	require.Error(t, s.Ping(t.Context()))
}

func testLaterRelease(t *testing.T, url string, db *sql.DB) {
	require.NoError(t, open(t, url).Ping(t.Context()))
	_, err := db.ExecContext(t.Context(), "INSERT INTO evidence_migrations (version_id, is_applied) VALUES (999, true)")
	require.NoError(t, err)
	_, err = evidence.Open(t.Context(), url, ledger.Options{})
	require.ErrorAs(t, err, new(*ledger.VersionError))
	_, err = db.ExecContext(t.Context(), "INSERT INTO evidence_versions (version, oldest) VALUES (999, 1)")
	require.NoError(t, err)
	require.NoError(t, open(t, url).Ping(t.Context()))
}
