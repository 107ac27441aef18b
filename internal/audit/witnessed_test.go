package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/audit"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

func TestWitnessed(t *testing.T) {
	record := call(0, 100)
	record.Caller, record.Members = "a", []string{"a", "b", "c"}
	event := func(source evidence.Source, user string, kind evidence.Kind, seconds int64) evidence.Event {
		return evidence.Event{Source: source, User: user, Kind: kind, At: at(seconds)}
	}
	const callback, room, in, out = evidence.SourceCallback, evidence.SourceRoom, evidence.KindJoined, evidence.KindLeft
	byCallback := []evidence.Event{event(callback, "b", in, 0), event(callback, "b", out, 60), event(callback, "c", in, 80), event(callback, "a", out, 100)}
	byRoom := []evidence.Event{
		event(room, "a", in, -8), event(room, "b", in, 1), event(room, "b", out, 90), event(room, "c", in, 85), event(room, "a", out, 100), event(room, "c", out, 95),
	}
	for name, c := range map[string]struct {
		record tencent.CallRecord
		events []evidence.Event
		want   int64
	}{
		"nothing":       {record, nil, 0},
		"one source":    {record, byCallback, 0},
		"the other one": {record, byRoom, 0},
		// By the callbacks from 0 to 60 and from 80 to 100, by the room from 1 to 95.
		"both": {record, append(append([]evidence.Event{}, byRoom...), byCallback...), 59 + 15},
		// By the callbacks as above; the room has two members from 85 to 90.
		"a caller who is in no room": {record, append(byRoom[1:4:4], append([]evidence.Event{byRoom[5]}, byCallback...)...), 5},
		"events of others": {record, []evidence.Event{
			event(callback, "x", in, 0), event(room, "x", in, 0), event(callback, "b", evidence.KindCalled, 0), event(room, "b", evidence.KindOpened, 0),
		}, 0},
		"not connected": {tencent.CallRecord{Members: record.Members, EndTime: record.EndTime}, append(append([]evidence.Event{}, byRoom...), byCallback...), 0},
	} {
		require.Equal(t, c.want, audit.Witnessed(c.record, c.events), name)
	}
}
