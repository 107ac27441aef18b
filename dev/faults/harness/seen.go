package main

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/tencentsim"
	"aftercall/internal/attendance"
	"aftercall/internal/tencent"
)

// evidenceWait is that of aftercall.yaml, and evidenceMargin is for clocks that differ a
// little, and for a charge that does not wait for the rest of a second.
const (
	evidenceWait   = 12 * time.Second
	evidenceMargin = 2 * time.Second
)

// host calls the others of a seminar, the first of whom pays.
const host = "host"

// newSeenCall is a group call that is charged by who was seen in it, whose members come
// and go, and whose events are lost, repeated and reordered on their way.
func newSeenCall(random *rand.Rand, length time.Duration) plannedCall {
	faults := func() (f tencentsim.EventFaults) {
		f.Reorder = random.IntN(2) == 0
		switch random.IntN(4) {
		case 0:
			f.LoseEvery = 1 + random.IntN(5)
		case 1:
			f.Repeat = 1 + random.IntN(3)
		}
		return f
	}
	c := plannedCall{recorded: true, clean: true, at: between(random, 0, length), decision: decision{verdict: "waive"}, spec: tencentsim.CallSpec{
		SDKAppID: seminar, Media: one(random, tencent.MediaAudio, tencent.MediaVideo), Seconds: 30 + random.Int64N(300), Members: []string{host},
		Lose: random.IntN(10) == 0, Duplicates: random.IntN(3), Concurrent: random.IntN(2) == 0,
		MemberEvents: faults(), RoomEvents: faults(),
	}}
	for i := range 1 + random.IntN(3) {
		c.spec.Members = append(c.spec.Members, "guest-"+strconv.Itoa(i+1))
	}
	for _, m := range c.spec.Members {
		stay := tencentsim.Presence{Member: m}
		if m != host {
			stay.JoinAfterSeconds = random.Int64N(c.spec.Seconds)
		}
		if random.IntN(2) == 0 {
			stay.LeaveAfterSeconds = stay.JoinAfterSeconds + random.Int64N(c.spec.Seconds-stay.JoinAfterSeconds)
			stay.Dropped = random.IntN(5) == 0
		}
		c.spec.Attendance = append(c.spec.Attendance, stay)
		if left := stay.LeaveAfterSeconds; left > 0 && !stay.Dropped && left+2 < c.spec.Seconds && random.IntN(2) == 0 {
			c.spec.Attendance = append(c.spec.Attendance, tencentsim.Presence{Member: m, JoinAfterSeconds: left + 1 + random.Int64N(c.spec.Seconds-left-1)})
		}
	}
	return c
}

// newUnrecordedCall is a call of which Tencent has no record, and which is charged by who
// was seen in it if nothing is wrong: half of them lose no event, and of most the host and
// a guest are there all the time.
func newUnrecordedCall(random *rand.Rand, length time.Duration) plannedCall {
	c := newSeenCall(random, length)
	c.recorded, c.clean, c.spec.NoRecord = false, false, true
	if random.IntN(2) == 0 {
		c.spec.MemberEvents.LoseEvery, c.spec.RoomEvents.LoseEvery = 0, 0
	}
	if random.IntN(4) > 0 {
		always := []string{host, "guest-1"}
		c.spec.Attendance = slices.DeleteFunc(c.spec.Attendance, func(p tencentsim.Presence) bool { return slices.Contains(always, p.Member) })
		for _, m := range always {
			c.spec.Attendance = append(c.spec.Attendance, tencentsim.Presence{Member: m})
		}
	}
	switch random.IntN(10) {
	case 0: // whoever calls is in no room
		c.spec.Robot = true
		c.spec.Attendance = slices.DeleteFunc(c.spec.Attendance, func(p tencentsim.Presence) bool { return p.Member == host })
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

// sentOf are the events of a call that Tencent has posted, with when they were first
// answered OK.
func sentOf(call tencentsim.Call) (all []checker.Sent) {
	posted := func(p tencentsim.PostedCallback, seen checker.Seen) {
		i := slices.IndexFunc(all, func(s checker.Sent) bool { return s.Seen == seen })
		if i < 0 {
			i, all = len(all), append(all, checker.Sent{Seen: seen})
		}
		if at := answered(p); p.Status == 200 && (all[i].Answered.IsZero() || at.Before(all[i].Answered)) {
			all[i].Answered = at
		}
	}
	for _, p := range call.Callbacks {
		var body struct {
			ChangedUserList []struct {
				Account string `json:"User_Account"`
				Action  string `json:"ActionType"`
			}
			EventTime int64
		}
		if p.Command != tencent.CommandAfterMemberChanged || json.Unmarshal(p.Body, &body) != nil {
			continue
		}
		kinds := map[string]string{"Answer": "joined", "Join": "joined", "Hangup": "left", "Offline": "dropped"}
		for _, changed := range body.ChangedUserList {
			if kind := kinds[changed.Action]; kind != "" {
				posted(p, checker.Seen{Source: "callback", User: changed.Account, Kind: kind, At: body.EventTime / 1000})
			}
		}
	}
	for _, p := range call.RoomWebhooks {
		var body struct {
			EventType int
			EventInfo struct {
				UserID  string `json:"UserId"`
				EventTs int64
			}
		}
		kinds := map[int]string{103: "joined", 104: "left"}
		if json.Unmarshal(p.Body, &body) == nil && kinds[body.EventType] != "" {
			posted(p, checker.Seen{Source: "room", User: body.EventInfo.UserID, Kind: kinds[body.EventType], At: body.EventInfo.EventTs})
		}
	}
	return all
}

// seenOf is what a charge was made from, but for who opened the room.
func seenOf(events []attendance.Event) (all []checker.Seen) {
	for _, e := range events {
		if e.Kind == attendance.Opened {
			continue
		}
		all = append(all, checker.Seen{Source: string(e.Source), User: e.User, Kind: string(e.Kind), At: e.At.Unix()})
	}
	return all
}
