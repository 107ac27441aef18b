package tencentsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/internal/attendance"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// seenOf is what is kept of the events of a call, with their faults.
func seenOf(t *testing.T, c *call, random *rand.Rand) []attendance.Event {
	t.Helper()
	members, err := c.memberBodies()
	require.NoError(t, err)
	var kept []evidence.Event
	for _, body := range c.spec.MemberEvents.apply(members, random) {
		change, err := tencent.DecodeMemberChange(body)
		require.NoError(t, err)
		kept = append(kept, evidence.FromMemberChange(c.app, change)...)
	}
	rooms, err := c.roomBodies()
	require.NoError(t, err)
	for _, body := range c.spec.RoomEvents.apply(rooms, random) {
		event, err := tencent.DecodeRoomEvent(body)
		require.NoError(t, err)
		kept = append(kept, evidence.FromRoom(c.app, event)...)
	}
	return activities.Seen(kept)
}

// TestCallsWithoutARecordAreConfirmed by the events that both sources post of them, in any
// order and repeated, and by nothing less: not by one source alone, and not for a robot, who
// is in no room.
func TestCallsWithoutARecordAreConfirmed(t *testing.T) {
	random := rand.New(rand.NewPCG(23, 23))
	outcomes := map[string]int{}
	for i := range 500 {
		spec := CallSpec{SDKAppID: testApp, NoRecord: true, Seconds: 10 + random.Int64N(600), GroupSize: 2 + random.IntN(4), RingSeconds: 1 + random.Int64N(30)}
		spec.MemberEvents, spec.RoomEvents = EventFaults{Repeat: random.IntN(3), Reorder: true}, EventFaults{Repeat: random.IntN(3), Reorder: true}
		confirmed := true
		switch i % 6 {
		case 1:
			spec.MemberEvents.LoseEvery, confirmed = 1, false
		case 2:
			spec.RoomEvents.LoseEvery, confirmed = 1, false
		case 3:
			spec.Robot, confirmed = true, false
		case 4: // nobody answers
			spec.Seconds = 0
		}
		record, err := spec.build(testEpoch, i)
		require.NoError(t, err)
		c := attendance.Confirm(record, seenOf(t, &call{app: testApp, record: record, spec: spec}, random), 5*time.Second)
		if !confirmed && i%6 == 3 && spec.GroupSize > 2 { // the room sees the callees, but not who called
			require.Equal(t, []attendance.Doubt{attendance.CallerUnseen}, c.Doubts)
			outcomes["robot with several"]++
			continue
		}
		if !confirmed {
			require.NotEmpty(t, c.Doubts, i)
			outcomes["doubted"]++
			continue
		}
		require.Empty(t, c.Doubts, fmt.Sprint(i, spec))
		require.Equal(t, record.AcceptTime, c.Record.AcceptTime)
		require.Equal(t, record.EndTime, c.Record.EndTime)
		require.ElementsMatch(t, record.Members, c.Record.Members)
		require.True(t, slices.Contains(c.Record.Members, c.Record.Caller))
		outcomes["confirmed"]++
	}
	require.Greater(t, outcomes["confirmed"], 240)
	require.Greater(t, outcomes["doubted"], 160)
	require.Positive(t, outcomes["robot with several"])
}
