package ops

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

func TestSeenCallOf(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	event := func(source evidence.Source, user string, kind evidence.Kind, seconds int64) evidence.Event {
		return evidence.Event{Source: source, User: user, Kind: kind, At: start.Add(time.Duration(seconds) * time.Second)}
	}
	const callback, room = evidence.SourceCallback, evidence.SourceRoom
	called := []evidence.Event{event(callback, "alice", evidence.KindCalled, 0), event(callback, "bob", evidence.KindCalled, 0)}
	for name, c := range map[string]struct {
		events             []evidence.Event
		start, accept, end int64
		members            []string
	}{
		"both sources": {append(append([]evidence.Event{
			event(room, "carol", evidence.KindLeft, -6), event(room, "alice", evidence.KindOpened, -4), event(room, "alice", evidence.KindJoined, -4),
		}, called...), []evidence.Event{
			event(room, "bob", evidence.KindJoined, 8), event(callback, "bob", evidence.KindJoined, 9), event(room, "bob", evidence.KindLeft, 60), event(room, "alice", evidence.KindLeft, 61),
			event(room, "", evidence.KindClosed, 90),
		}...), -4, 8, 61, []string{"alice", "bob"}},
		"callbacks only":       {append(called[:2:2], event(callback, "bob", evidence.KindJoined, 9), event(callback, "bob", evidence.KindLeft, 60)), 0, 9, 60, []string{"alice", "bob"}},
		"nobody joined":        {append(called[:2:2], event(callback, "bob", evidence.KindDeclined, 9)), 0, 0, 0, []string{"alice", "bob"}},
		"one joined":           {append(called[:2:2], event(room, "alice", evidence.KindJoined, 1), event(room, "alice", evidence.KindLeft, 30)), 0, 0, 30, []string{"alice", "bob"}},
		"without its start":    {[]evidence.Event{event(callback, "bob", evidence.KindJoined, 9), event(callback, "bob", evidence.KindDropped, 60)}, 9, 9, 60, []string{"bob"}},
		"nobody seen to leave": {append(called[:2:2], event(room, "alice", evidence.KindJoined, 1), event(room, "bob", evidence.KindJoined, 7)), 0, 7, 7, []string{"alice", "bob"}},
	} {
		at := func(seconds int64) int64 { return start.Unix() + seconds }
		want := tencent.CallRecord{CallID: "call-1", RoomID: "r", RoomIDType: 2, StartTime: at(c.start), EndTime: at(c.end), Members: c.members}
		if c.accept != 0 {
			want.AcceptTime = at(c.accept)
		}
		require.Equal(t, want, seenCallOf(evidence.Call{CallID: "call-1", RoomID: "r", RoomIDType: 2}, c.events), name)
	}
}

// TestFindStart: the events of a room are those of a call until another one is started in it.
func TestFindStart(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	store, err := evidence.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "evidence.db"), ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	called := func(callID string, room tencent.RoomID, roomType int, after time.Duration) evidence.Event {
		return evidence.Event{
			SDKAppID: 1400000000, Source: evidence.SourceCallback, CallID: callID, RoomID: room, RoomIDType: roomType, User: "alice", Kind: evidence.KindCalled, At: start.Add(after),
		}
	}
	_, err = store.Insert(t.Context(), []evidence.Event{
		called("before", "r", 2, -time.Minute), called("call-1", "r", 2, 0), called("elsewhere", "s", 2, time.Minute), called("digits", "r", 1, time.Minute),
		called("next", "r", 2, time.Hour), called("after", "r", 2, 2*time.Hour), called("no room", "", 0, 0),
	})
	require.NoError(t, err)
	for callID, to := range map[string]time.Duration{"before": 0, "call-1": time.Hour, "after": 26 * time.Hour, "digits": 24*time.Hour + time.Minute} {
		c, err := findStart(t.Context(), store, evidence.Call{SDKAppID: 1400000000, CallID: callID})
		require.NoError(t, err)
		require.Equal(t, start.Add(to), c.To, callID)
		require.False(t, c.Others)
	}
	for _, callID := range []string{"no room", "never seen"} {
		c, err := findStart(t.Context(), store, evidence.Call{SDKAppID: 1400000000, CallID: callID})
		require.NoError(t, err)
		require.Equal(t, evidence.Call{SDKAppID: 1400000000, CallID: callID}, c)
	}
	_, err = findStart(t.Context(), store, evidence.Call{SDKAppID: 1400000000, CallID: "call-1", Limit: 1})
	require.True(t, isKind(err, Refused), err)
}
