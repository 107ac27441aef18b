package cli

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testconfig"
)

// TestEvidenceList lists the events of a call in the ledger, of one that is not, and of
// a room.
func TestEvidenceList(t *testing.T) {
	t.Parallel()
	requireSameNames(t, ops.Event{}, eventColumns)
	l := newLedgerTest(t)
	l.configureWith(func(c *testconfig.Config) {
		c.Apps[0]["evidence"] = testconfig.Map{"members": true, "room_key": "ARoomKeyOfTheConsole"}
	})
	code, _, stderr := l.run("evidence", "list", "--call", "call-1")
	require.Equal(t, NotFound, code)
	require.Contains(t, stderr, "there is no evidence yet")
	require.Equal(t, "The tables of the evidence are up to date.\n", l.prints("evidence", "migrate"))
	require.Equal(t, "No events.\n", l.prints("evidence", "list", "--call", "call-1"))

	store, err := evidence.Open(t.Context(), l.environ["LEDGER_URL"], ledger.Options{})
	require.NoError(t, err)
	defer store.Close()
	event := func(source evidence.Source, call string, room tencent.RoomID, user string, kind evidence.Kind, at time.Time) evidence.Event {
		e := evidence.Event{SDKAppID: clinic, Source: source, CallID: call, RoomID: room, User: user, Kind: kind, At: at, Detail: "1"}
		if room != "" {
			e.RoomIDType = 2
		}
		return e
	}
	_, err = store.Insert(t.Context(), []evidence.Event{
		event(evidence.SourceCallback, "call-9", "room-9", "alice", evidence.KindCalled, noon),
		event(evidence.SourceCallback, "call-9", "", "=bob", evidence.KindJoined, noon.Add(1500*time.Millisecond)),
		event(evidence.SourceRoom, "", "room-9", "=bob", evidence.KindJoined, noon.Add(time.Second)),
		event(evidence.SourceRoom, "", "room-9", "=bob", evidence.KindLeft, noon.Add(48*time.Hour)),
	})
	require.NoError(t, err)
	require.Equal(t, `AT (UTC)                 SOURCE    KIND    USER   DETAIL  ROOM
2026-03-01 12:00:00.000  callback  called  alice  1       room-9
2026-03-01 12:00:01.000  room      joined  =bob   1       room-9
2026-03-01 12:00:01.500  callback  joined  =bob   1
`, l.prints("evidence", "list", "--call", "call-9"))

	var events []ops.Event
	require.NoError(t, json.Unmarshal([]byte(l.prints("evidence", "list", "--app", "clinic", "--room", "room-9", "--from", "2026-03-02", "--to", "2026-03-04", "-o", "json")), &events))
	require.Len(t, events, 1)
	require.Equal(t, evidence.KindLeft, events[0].Kind)
	require.Contains(t, l.prints("evidence", "list", "--call", "call-9", "-o", "csv"), ",room,joined,'=bob,")

	// The record in the ledger says which room, and when.
	charged := l.charge("call-1", "alice", noon, 60, tariff(t, "USD", "0.12"))
	require.Empty(t, charged.Record.RoomID)
	require.Equal(t, "No events.\n", l.prints("evidence", "list", "--call", "call-1"))

	for _, args := range [][]string{
		{"--call", "a", "--room", "b"}, {}, {"--room", "b"}, {"--room", "b", "--from", "2026-03-01"}, {"--room", "b", "--from", "x", "--to", "y"},
	} {
		code, _, _ := l.run(append([]string{"evidence", "list"}, args...)...)
		require.Equal(t, Usage, code, args)
	}
}
