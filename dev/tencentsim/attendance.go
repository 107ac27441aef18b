package tencentsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"aftercall/internal/tencent"
)

// DropSeconds is how long after its last heartbeat a member is removed from a call.
const DropSeconds = 90

// The words of a callback about members. D:69215
const (
	actionAnswer    = "Answer"
	actionNotAnswer = "NotAnswer"
	actionJoin      = "Join"
	actionHangup    = "Hangup"
	actionOffline   = "Offline"
)

// reasonTimeout is the Reason with which a room reports that a member was dropped.
// D:39558
const reasonTimeout = 2

// Presence is one stay of a member in a call that was connected. A member who comes back
// has several.
type Presence struct {
	Member string `json:"member"`
	// JoinAfterSeconds and LeaveAfterSeconds count from AcceptTime. A member whose
	// LeaveAfterSeconds is 0 stays to the end.
	JoinAfterSeconds  int64 `json:"join_after_seconds,omitempty"`
	LeaveAfterSeconds int64 `json:"leave_after_seconds,omitempty"`
	// Dropped means that the member's network failed then: Tencent notices it DropSeconds
	// later, and both sources report the end then.
	Dropped bool `json:"dropped,omitempty"`
}

// EventFaults are what goes wrong on the way of the events of a call.
type EventFaults struct {
	// LoseEvery loses the events whose number, from 1, it divides: 1 loses all.
	LoseEvery int `json:"lose_every,omitempty"`
	// Repeat is how many more times each is posted.
	Repeat int `json:"repeat,omitempty"`
	// Reorder posts them in a random order.
	Reorder bool `json:"reorder,omitempty"`
}

// Validate returns an error that names the first invalid field.
func (f EventFaults) Validate() error {
	switch {
	case f.LoseEvery < 0:
		return errors.New("lose_every: must not be negative")
	case f.Repeat < 0 || f.Repeat > maxRepeats:
		return fmt.Errorf("repeat: must be between 0 and %d", maxRepeats)
	}
	return nil
}

// apply returns the bodies as they are posted.
func (f EventFaults) apply(bodies [][]byte, random *rand.Rand) [][]byte {
	var posted [][]byte
	for i, body := range bodies {
		if f.LoseEvery > 0 && (i+1)%f.LoseEvery == 0 {
			continue
		}
		for range 1 + f.Repeat {
			posted = append(posted, body)
		}
	}
	if f.Reorder {
		random.Shuffle(len(posted), func(i, j int) { posted[i], posted[j] = posted[j], posted[i] })
	}
	return posted
}

func (c CallSpec) validateEvents() error {
	for i, p := range c.Attendance {
		field := fmt.Sprintf("attendance[%d]", i)
		switch {
		case p.Member == "":
			return fmt.Errorf("%s.member: is missing", field)
		case c.Seconds == 0:
			return fmt.Errorf("%s: the call needs seconds, because nobody is in one that was never accepted", field)
		case p.LeaveAfterSeconds != 0 && p.LeaveAfterSeconds < p.JoinAfterSeconds:
			return fmt.Errorf("%s.leave_after_seconds: must not be before join_after_seconds", field)
		case max(p.JoinAfterSeconds, p.LeaveAfterSeconds) > c.Seconds:
			return fmt.Errorf("%s: must not be after the end of the call", field)
		}
	}
	for name, faults := range map[string]EventFaults{"member_events": c.MemberEvents, "room_events": c.RoomEvents} {
		if err := faults.Validate(); err != nil {
			return fmt.Errorf("%s.%w", name, err)
		}
	}
	return nil
}

// moment is one member who joins or leaves. at is Unix seconds.
type moment struct {
	at      int64
	member  string
	joins   bool
	again   bool // has been there before
	dropped bool
}

// moments are those of a call in the order in which they happened.
func (c *call) moments() []moment {
	stays := c.spec.Attendance
	if len(stays) == 0 {
		for _, member := range c.record.Members {
			if c.record.Connected() && (!c.spec.Robot || member != c.record.Caller) {
				stays = append(stays, Presence{Member: member})
			}
		}
	}
	var all []moment
	for _, p := range stays {
		joined, left := c.record.AcceptTime+p.JoinAfterSeconds, c.record.AcceptTime+p.LeaveAfterSeconds
		if p.LeaveAfterSeconds == 0 {
			left = c.record.EndTime
		}
		if p.Member == c.record.Caller && p.JoinAfterSeconds == 0 {
			joined = c.record.StartTime // waits in the room until somebody answers
		}
		if p.Dropped {
			left += DropSeconds
		}
		all = append(all, moment{at: joined, member: p.Member, joins: true}, moment{at: left, member: p.Member, dropped: p.Dropped})
	}
	if !c.record.Connected() && !c.spec.Robot {
		all = append(all, moment{at: c.record.StartTime, member: c.record.Caller, joins: true}, moment{at: c.record.EndTime, member: c.record.Caller})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	before := map[string]bool{}
	for i, m := range all {
		all[i].again = before[m.member]
		before[m.member] = true
	}
	return all
}

// memberBodies are the bodies of Call.CallbackAfterMemberChanged. D:69215
func (c *call) memberBodies() ([][]byte, error) {
	var bodies [][]byte
	add := func(at int64, member, action string) error {
		body, err := memberChangedBody(c.record, at, member, action)
		bodies = append(bodies, body)
		return err
	}
	if !c.record.Connected() {
		for _, member := range c.record.Members {
			if member == c.record.Caller {
				continue
			}
			if err := add(c.record.EndTime, member, actionNotAnswer); err != nil {
				return nil, err
			}
		}
		return bodies, nil
	}
	for _, m := range c.moments() {
		action := actionHangup
		switch {
		case m.joins && m.again:
			action = actionJoin
		case m.joins && m.member == c.record.Caller:
			continue // who calls does not answer
		case m.joins:
			action = actionAnswer
		case m.dropped:
			action = actionOffline
		}
		if err := add(m.at, m.member, action); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// roomBodies are the bodies of the webhooks of the call's room. D:39558
func (c *call) roomBodies() ([][]byte, error) {
	type info struct {
		RoomID    any `json:"RoomId"` // a number or a string
		EventTs   int64
		EventMsTs int64
		UserID    string `json:"UserId"`
		Role      int    `json:",omitempty"`
		Reason    int    `json:",omitempty"`
	}
	var room any = string(c.record.RoomID)
	if c.record.RoomIDType == 1 {
		room = json.Number(c.record.RoomID)
	}
	var bodies [][]byte
	add := func(eventType tencent.RoomEventType, at int64, user string, role, reason int) error {
		body, err := json.Marshal(struct {
			EventGroupID int                   `json:"EventGroupId"`
			EventType    tencent.RoomEventType `json:"EventType"`
			CallbackTs   int64
			EventInfo    info
		}{1, eventType, at*1000 + 40, info{room, at, at * 1000, user, role, reason}})
		bodies = append(bodies, body)
		return err
	}
	moments := c.moments()
	for i, m := range moments {
		eventType, reason := tencent.RoomLeft, 1
		if m.joins {
			eventType = tencent.RoomEntered
		}
		if m.dropped {
			reason = reasonTimeout
		}
		if i == 0 {
			if err := add(tencent.RoomCreated, m.at, m.member, 0, 0); err != nil {
				return nil, err
			}
		}
		if err := add(eventType, m.at, m.member, 20, reason); err != nil {
			return nil, err
		}
	}
	if n := len(moments); n > 0 {
		return bodies, add(tencent.RoomDismissed, moments[n-1].at, "", 0, 0)
	}
	return bodies, nil
}
