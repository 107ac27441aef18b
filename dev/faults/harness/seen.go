package main

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"aftercall/dev/faults/members"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// evidenceWait is that of aftercall.yaml, and evidenceMargin is for clocks that differ a
// little, and for a charge that does not wait for the rest of a second.
const (
	evidenceWait   = 12 * time.Second
	evidenceMargin = 2 * time.Second
)

// newSeenCall is a group call that is charged by who was seen in it, whose members come
// and go, and whose events are lost, repeated and reordered on their way.
func newSeenCall(random *rand.Rand, length time.Duration) plannedCall {
	c := plannedCall{recorded: true, clean: true, at: between(random, 0, length), decision: decision{verdict: "waive"}, spec: tencentsim.CallSpec{
		SDKAppID: seminar, Media: one(random, tencent.MediaAudio, tencent.MediaVideo), Seconds: 30 + random.Int64N(300),
		Lose: random.IntN(10) == 0, Duplicates: random.IntN(3), Concurrent: random.IntN(2) == 0,
	}}
	members.Play(random, &c.spec)
	return c
}

// newUnrecordedCall is a call of which Tencent has no record, and which is charged by who
// was seen in it if nothing is wrong.
func newUnrecordedCall(random *rand.Rand, length time.Duration) plannedCall {
	c := newSeenCall(random, length)
	c.recorded, c.clean, c.spec.NoRecord = false, false, true
	members.Steady(random, &c.spec)
	switch random.IntN(10) {
	case 0: // whoever calls is in no room
		c.spec.Robot = true
		c.spec.Attendance = slices.DeleteFunc(c.spec.Attendance, func(p tencentsim.Presence) bool { return p.Member == members.Host })
	case 1: // nobody answers
		c.spec.Seconds, c.spec.Attendance = 0, nil
	case 2: // the callback says something else than what was seen
		c.spec.Callback = json.RawMessage(one(random, unseenLies...))
	case 3: // a copy of it does
		c.spec.Duplicates, c.spec.LaterCallback = 1, json.RawMessage(one(random, unseenLies...))
	}
	if !c.claimsOtherPrice() {
		c.decide(random)
	}
	return c
}

// unseenLies are what callbacks say that was not seen, but for a result, which nobody sees.
var unseenLies = []string{
	`{"CalleeList_Account":["host"]}`, `{"Caller_Account":"guest-1"}`, `{"AcceptTime":0,"CallResult":"Cancel"}`, `{"EndTime":1}`, `{"CallResult":"Offline"}`,
}

// loseRecord lets a call have no record where that costs nothing.
func (c *plannedCall) loseRecord() {
	if c.spec.SDKAppID == tutoring && c.clean && c.corrections == nil {
		c.spec.NoRecord, c.spec.RecordAfterSeconds, c.spec.RecordFault = true, 0, nil
		c.recorded, c.clean = false, false
	}
}
