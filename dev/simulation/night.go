package simulation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// night is the size of a run.
type night struct {
	calls int
	// length is how long calls end, and everything goes wrong.
	length time.Duration
	// retention is that of the namespace, sweepEvery the period of the sweeps.
	retention, sweepEvery time.Duration
	// pageSize is how many records Tencent lists at most on a page.
	pageSize int
	// long has an outage of callbacks of most of a week, and a target that is down for
	// three days.
	long bool
}

// newNight draws the size of the night. One of ten is a week.
func newNight(plan *Plan, calls int) night {
	random := plan.random("night")
	n := night{calls: calls, length: 10 * time.Hour, retention: time.Duration(3+random.IntN(4)) * time.Hour, sweepEvery: 2 * time.Hour}
	n.pageSize = []int{3, 10, 100}[plan.random("page").IntN(3)]
	if random.IntN(10) == 0 {
		n.long, n.length, n.retention, n.sweepEvery = true, 7*24*time.Hour, 24*time.Hour, 6*time.Hour
	}
	return n
}

// call is a call of the night.
type call struct {
	id   string
	app  tencent.SDKAppID
	spec tencentsim.CallSpec
	// at is when it ends, and copies when its callback is posted again.
	at     time.Time
	copies []time.Time
	// changeAt is when Tencent changes its record, the zero time for never.
	changeAt time.Time
	// recorded and clean are those of checker.Call.
	recorded, clean bool
	// unreadable says that a field of its record cannot be read; odd, that it is written
	// in another way than documented.
	unreadable, odd bool
	record          tencent.CallRecord
	// claims are what its callbacks say; those of a call that Tencent knows are read from it.
	claims []checker.Claim
	name   string // of its app
}

// namesakes says that one of so many calls has the CallId of the one before, in the other
// app.
const namesakes = 7

// plannedID is the CallId of a call by its number. A colon may be in it.
func plannedID(plan *Plan, number int) string {
	return fmt.Sprintf("call%s%04d-%d", []string{"-", ":"}[number%2], number, plan.seed)
}

// key names the call in what the seed decides, and about for the checker.
func (c *call) key() string { return c.name + " " + c.id }

func (c *call) about() checker.ID { return checker.ID{App: c.name, CallID: c.id} }

// newCall draws a call.
func newCall(plan *Plan, n night, number int, begin time.Time) *call {
	c := &call{id: plannedID(plan, number), recorded: true, clean: true}
	random := plan.random("call", c.id)
	app := newApp(random)
	if number%namesakes == namesakes-1 {
		c.id = plannedID(plan, number-1)
		app = (newApp(plan.random("call", c.id)) + 1 + random.IntN(len(appNames)-1)) % len(appNames)
	}
	c.app, c.name = tencent.SDKAppID(1400000000+app), appNames[app]
	// Calls end in different seconds, so that no two are handled at one moment.
	slot := n.length / time.Duration(n.calls)
	c.at = begin.Add(time.Duration(number) * slot).Add(upTo(random, slot)).Truncate(time.Second).Add(upTo(random, time.Second))
	if random.IntN(10) == 0 && number > 0 { // soon after the one before
		c.at = begin.Add(time.Duration(number) * slot).Truncate(time.Second).Add(upTo(random, time.Second))
	}
	c.spec = tencentsim.CallSpec{
		SDKAppID: c.app, CallID: c.id, Media: []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo}[random.IntN(2)],
		Seconds: int64(random.IntN(3000)), RingSeconds: int64(1 + random.IntN(30)), GroupSize: 2 + random.IntN(3),
	}
	if c.spec.Seconds < 300 {
		c.spec.Seconds = int64(random.IntN(2)) * c.spec.Seconds // many are never answered
	}
	if c.spec.Seconds > 0 {
		c.spec.Result = tencent.CallResult(connected[random.IntN(len(connected))])
	}
	if robot := plan.random("robot", c.id); c.name == tutoring && robot.IntN(6) == 0 {
		c.spec.Robot, c.spec.Caller = true, robots+strconv.Itoa(robot.IntN(3))
	}
	c.drawRecord(plan, random)
	if c.name == seminar {
		c.drawMembers(plan)
	}
	c.drawCallbacks(plan, n, random)
	return c
}

// newApp draws the number of an app. A call of a seminar, which is one of five, has many
// events.
func newApp(random *rand.Rand) int { return random.IntN(5) / 2 }

// drawMembers draws who was in a call, and what goes wrong with the events about it. A
// third of the calls has no record.
func (c *call) drawMembers(plan *Plan) {
	random := plan.random("members", c.id)
	c.spec.GroupSize, c.spec.RoomID = 0, "room of "+c.id
	if c.spec.Seconds == 0 {
		c.spec.Members = []string{members.Host, "guest-1"}
	} else {
		members.Play(random, &c.spec)
	}
	if c.clean && random.IntN(3) == 0 {
		plan.happened(RecordAbsent)
		c.spec.RecordAfterSeconds, c.recorded, c.clean = 366*24*3600, false, false
	}
	if !c.recorded && c.spec.Seconds > 0 {
		members.Steady(random, &c.spec)
	}
	for _, faults := range []tencentsim.EventFaults{c.spec.MemberEvents, c.spec.RoomEvents} {
		for fault, happens := range map[Fault]bool{
			EventsLost: faults.LoseEvery > 0, EventsRepeated: faults.Repeat > 0, EventsReordered: faults.Reorder,
		} {
			if happens {
				plan.happened(fault)
			}
		}
	}
}

// drawRecord draws what is wrong with the record.
func (c *call) drawRecord(plan *Plan, random *rand.Rand) {
	switch {
	case plan.strikes(RecordAbsent, c.key()):
		c.spec.RecordAfterSeconds, c.recorded, c.clean = 366*24*3600, false, false
	case plan.strikes(RecordOdd, c.key()):
		fields := []string{"StartTime", "EndTime", "AcceptTime", "MediaType", "CallResult"}
		kinds := []tencentsim.OddKind{
			tencentsim.OddMissing, tencentsim.OddNull, tencentsim.OddText, tencentsim.OddAsText, tencentsim.OddNegative, tencentsim.OddFloat, tencentsim.OddArray,
		}
		field, kind := fields[random.IntN(len(fields))], kinds[random.IntN(len(kinds))]
		if field == "AcceptTime" && (kind == tencentsim.OddMissing || kind == tencentsim.OddNull) {
			kind = tencentsim.OddArray // without AcceptTime a record says that the call was never connected
		}
		c.spec.OddRecord = []tencentsim.Oddity{{Field: field, Kind: kind}}
		c.odd, c.unreadable, c.clean = true, kind == tencentsim.OddArray, false
	case plan.strikes(RecordUnusual, c.key()):
		unusual := []string{`{"CallResult":"Transferred"}`, `{"MediaType":"Hologram"}`, `{"Caller_Account":""}`}
		c.spec.Record = json.RawMessage(unusual[random.IntN(len(unusual))])
		if random.IntN(3) == 0 { // longer than the tariff permits
			c.spec.Record, c.spec.Seconds, c.spec.Result = nil, 7300+int64(random.IntN(2000)), tencent.ResultNormalEnd
		}
		c.clean = false
	case plan.strikes(RecordLate, c.key()):
		c.spec.RecordAfterSeconds = int64(10 + random.IntN(2700))
		if c.name != clinic { // where a call may be charged without it
			c.spec.RecordAfterSeconds %= 1400
		}
		c.clean = c.spec.RecordAfterSeconds < 1500
	}
}

// drawCallbacks draws when which callback is posted.
func (c *call) drawCallbacks(plan *Plan, n night, random *rand.Rand) {
	if plan.strikes(CallbackLate, c.key()) {
		c.spec.Lose = true
		c.copies = append(c.copies, c.at.Add(upTo(random, 2*time.Hour)))
	}
	if plan.strikes(CallbackRepeated, c.key()) {
		for range 1 + random.IntN(9) {
			within := []time.Duration{time.Second, 30 * time.Second, time.Hour, n.length}[random.IntN(4)]
			c.copies = append(c.copies, c.at.Add(upTo(random, within)))
		}
		// Once more when nobody remembers the call.
		c.copies = append(c.copies, c.at.Add(n.retention+time.Hour+upTo(random, n.retention)))
	}
	if plan.strikes(CallbackOdd, c.key()) {
		all := tencentsim.RecordOddities()
		c.spec.OddCallback = []tencentsim.Oddity{all[random.IntN(len(all))]}
	}
	if c.clean && c.spec.Seconds > 0 && len(c.copies) > 0 && plan.strikes(RecordChanged, c.key()) {
		c.changeAt = c.at.Add(n.retention)
	}
}

// known is the call for the checker.
func (c *call) known() checker.Call {
	r := c.record
	return checker.Call{
		App: c.name, CallID: c.id, Caller: r.Caller, Media: string(r.MediaType), Type: string(r.CallType), Result: string(r.Result),
		Start: r.StartTime, Accept: r.AcceptTime, End: r.EndTime, Participants: participants(r), Recorded: c.recorded, Clean: c.clean, Unreadable: c.unreadable,
		FirstCallee: firstCallee(r), Claims: c.claims, Members: r.Members, SeenBefore: r.EndedAt().Add(evidenceWait - evidenceMargin),
	}
}

// firstCallee is the first member who is not the caller.
func firstCallee(r tencent.CallRecord) string {
	i := slices.IndexFunc(r.Members, func(m string) bool { return m != r.Caller })
	if i < 0 {
		return ""
	}
	return r.Members[i]
}

// participants are the members who do not pay, as far as Tencent says who does.
func participants(r tencent.CallRecord) (n int) {
	for _, member := range r.Members {
		if member != r.Caller {
			n++
		}
	}
	return n
}

// change is how Tencent changes the end of the call in its record.
func (c *call) change() changedRecord {
	end := func(seconds int64) string { return `"EndTime":` + strconv.FormatInt(c.record.EndTime+seconds, 10) }
	return changedRecord{app: c.app, callID: c.id, old: end(0), new: end(-77), at: c.changeAt}
}
