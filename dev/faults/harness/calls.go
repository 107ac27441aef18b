package main

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

const (
	clinic   tencent.SDKAppID = 1400000000
	tutoring tencent.SDKAppID = 1400000001
	seminar  tencent.SDKAppID = 1400000002

	// robots is how the robots of tutoring begin, whose calls the first callee pays.
	robots = "robot-"
)

// nameOf is the name of an app in aftercall.yaml.
func nameOf(app tencent.SDKAppID) string {
	return map[tencent.SDKAppID]string{clinic: "clinic", tutoring: "tutoring", seminar: "seminar"}[app]
}

// plannedCall is a call that ends at a time of the run.
type plannedCall struct {
	at   time.Duration
	spec tencentsim.CallSpec
	// again are times at which its callback is posted once more, forgotten says that
	// Redis has forgotten the call before.
	again     []delivery
	forgotten bool
	// atLast says that its callback is posted once more when all else is over.
	atLast bool
	// recorded and clean are those of checker.Call.
	recorded, clean bool
	// decision is a person's, if the call comes to be reviewed.
	decision decision
	// corrections are made one after the other, from a time of the run on, and each by
	// several correctors at once.
	corrections []checker.Correction
	correctors  int
	correctedAt time.Duration
}

// String names the call.
func (c plannedCall) String() string { return c.spec.CallID + " of " + nameOf(c.spec.SDKAppID) }

// delivery is a callback that is posted once more; says overrides fields of the record.
type delivery struct {
	at   time.Duration
	says json.RawMessage
}

// decision is what a person decides about a call in review.
type decision struct {
	verdict string
	seconds int64
	payer   string
	// endedAt is zero if Tencent has a record that says so.
	endedAt time.Time
}

// newPlannedCall is a call with up to ten deliveries of its callback, at once, one
// after the other, and some later; or with none.
func newPlannedCall(random *rand.Rand, length time.Duration) plannedCall {
	c := plannedCall{recorded: true, clean: true, at: between(random, 0, length), decision: decision{verdict: "waive"}, spec: tencentsim.CallSpec{
		SDKAppID: one(random, clinic, tutoring), Media: one(random, tencent.MediaAudio, tencent.MediaVideo),
		Seconds: random.Int64N(400), GroupSize: 2 + random.IntN(3), EndedAgoSeconds: random.Int64N(6),
		Lose: random.IntN(10) == 0, Concurrent: random.IntN(2) == 0,
	}}
	if c.spec.SDKAppID == tutoring && c.at.Nanoseconds()%5 == 0 { // seeds go on giving the same calls
		c.spec.Robot, c.spec.Caller = true, robots+"1"
	}
	c.planRecord(random)
	c.planCallbacks(random, length)
	if !c.recorded && c.claimsOtherPrice() {
		c.decision = decision{verdict: "waive"} // without a record, the members and the result of the first callback count
	}
	if c.clean && random.IntN(6) == 0 {
		c.planCorrections(random, length)
	}
	return c
}

// planRecord plans what is wrong with the record.
func (c *plannedCall) planRecord(random *rand.Rand) {
	switch random.IntN(24) {
	case 0, 1: // it comes late
		c.spec.RecordAfterSeconds = c.spec.EndedAgoSeconds + 5 + random.Int64N(20)
	case 2, 3: // it cannot be read at first
		c.spec.RecordFault = &tencentsim.APIFault{Code: tencent.CodeInternal, Times: 1 + random.IntN(3)}
	case 4:
		c.spec.RecordFault = &tencentsim.APIFault{Status: one(random, 200, 502), Times: 1 + random.IntN(3)}
	case 5:
		c.spec.RecordFault = &tencentsim.APIFault{Cut: true, Times: 1 + random.IntN(3)}
	case 6: // it never comes
		c.spec.NoRecord, c.recorded, c.clean = true, false, false
		c.decide(random)
	case 7: // it is malformed
		c.spec.OddRecord, c.clean = []tencentsim.Oddity{one(random, oddities(c.spec.SDKAppID)...)}, false
		c.decideOdd()
	case 8: // it says what a person must decide about
		c.spec.Record = json.RawMessage(one(random, `{"CallResult":"Transferred"}`, `{"MediaType":"Hologram"}`, callerMissing, `{"CallResult":"Interrupt"}`))
		c.spec.Seconds, c.clean = 60+c.spec.Seconds, false
		c.decide(random)
	case 9: // longer than the tariffs permit
		c.spec.Seconds, c.clean = 3700, false
		c.decide(random)
	}
}

// callerMissing is a record of a call that nobody made.
const callerMissing = `{"Caller_Account":""}`

// decide lets the person know how long the call was, or confirm a record that can be
// read.
func (c *plannedCall) decide(random *rand.Rand) {
	switch {
	case random.IntN(2) == 0:
		c.decision = decision{verdict: "charge-as", seconds: 1 + random.Int64N(4000)}
	case c.recorded && c.spec.EndedAgoSeconds%2 == 0:
		c.decision = decision{verdict: "charge"}
	default:
		return
	}
	if !c.recorded || string(c.spec.Record) == callerMissing {
		c.decision.payer = "somebody"
	}
}

// decideOdd lets the person know how long a call was of whose malformed record the rest
// says what it costs. Of a call in which each participant costs, that does not hold
// without a caller, who is none.
func (c *plannedCall) decideOdd() {
	odd := c.spec.OddRecord[0]
	if !cannotBeRead(odd) || c.spec.EndedAgoSeconds%2 != 0 || (odd.Field == "Caller_Account" && c.spec.SDKAppID == tutoring && c.spec.GroupSize > 2) {
		return
	}
	c.decision = decision{verdict: "charge-as", seconds: 1 + 10*c.spec.Seconds}
	if odd.Field == "Caller_Account" {
		c.decision.payer = "somebody"
	}
}

// oddities are those of a record with which it cannot be charged another sum, or to
// somebody else.
func oddities(app tencent.SDKAppID) (all []tencentsim.Oddity) {
	fields := []string{"StartTime", "EndTime", "AcceptTime", "MediaType", "CallResult", "CallType", "Caller_Account"}
	if app == clinic { // where no price is per participant
		fields = append(fields, "CalleeList_Account")
	}
	return slices.DeleteFunc(tencentsim.Oddities(fields...), func(o tencentsim.Oddity) bool {
		// Another text is another caller.
		return o.Field == "Caller_Account" && !cannotBeRead(o) && !isNothing(o)
	})
}

// isNothing reports whether a field has no value.
func isNothing(o tencentsim.Oddity) bool {
	return slices.Contains([]tencentsim.OddKind{tencentsim.OddMissing, tencentsim.OddNull, tencentsim.OddEmpty}, o.Kind)
}

// cannotBeRead reports whether the documentation says of an odd field of a record that it
// cannot be read, so that a person must decide.
func cannotBeRead(o tencentsim.Oddity) bool {
	switch o.Kind {
	case tencentsim.OddArray, tencentsim.OddObject, tencentsim.OddHuge, tencentsim.OddNotUTF8, tencentsim.OddDuplicate:
		return true
	case tencentsim.OddText, tencentsim.OddFraction, tencentsim.OddBoolean, tencentsim.OddOutOfRange: // which may be a text
		return slices.Contains([]string{"StartTime", "EndTime", "AcceptTime"}, o.Field)
	default:
		return false
	}
}

// timeLies are lies that do not change what a person's decision costs.
var timeLies = []string{`{"AcceptTime":1}`, `{"EndTime":1}`, `{"EndTime":4102444800}`}

// claimsOtherPrice reports whether a callback says something that a decision about the
// call without its record would be charged by.
func (c *plannedCall) claimsOtherPrice() bool {
	said := []json.RawMessage{c.spec.Callback, c.spec.LaterCallback}
	for _, d := range c.again {
		said = append(said, d.says)
	}
	return c.spec.OddCallback != nil || slices.ContainsFunc(said, func(lie json.RawMessage) bool {
		return lie != nil && !slices.Contains(timeLies, string(lie))
	})
}

// lies are what callbacks say in place of the record.
var lies = []string{
	`{"AcceptTime":1}`, `{"CallResult":"Cancel","AcceptTime":0}`, `{"Caller_Account":"somebody-else"}`, `{"EndTime":1}`,
	`{"EndTime":4102444800}`, `{"MediaType":"Hologram","CalleeList_Account":[]}`,
}

// planCallbacks plans what is wrong with the callback, and when it is repeated.
func (c *plannedCall) planCallbacks(random *rand.Rand, length time.Duration) {
	if random.IntN(3) == 0 {
		c.spec.Duplicates = random.IntN(8)
	}
	lie := json.RawMessage(one(random, lies...))
	switch random.IntN(10) {
	case 0: // all say something else than the record
		c.spec.Callback = lie
	case 1: // the copies say something else than the first one
		c.spec.Duplicates, c.spec.LaterCallback = max(1, c.spec.Duplicates), lie
	case 2: // malformed
		c.spec.OddCallback = []tencentsim.Oddity{one(random, append(tencentsim.RecordOddities(), tencentsim.Oddities("CallRecord", "EventTime", "CallbackCommand")...)...)}
	}
	late := random.IntN(12) == 0 // the first one comes after those of calls that ended later
	if late {
		c.spec.Lose = true
		c.again = append(c.again, delivery{at: c.at + between(random, time.Second, 30*time.Second)})
	}
	if late || !c.spec.Lose {
		for range random.IntN(3) {
			d := delivery{at: max(c.at, between(random, 0, length))}
			if random.IntN(4) == 0 {
				d.says = json.RawMessage(one(random, lies...))
			}
			c.again = append(c.again, d)
		}
		c.forgotten = random.IntN(2) == 0
	}
	slices.SortFunc(c.again, func(a, b delivery) int { return int(a.at - b.at) })
}

// mostDeliveries is how often a callback is posted at most.
const mostDeliveries = 10

// deliveries is how often the callback is posted, but for the one at last.
func (c *plannedCall) deliveries() int {
	if c.spec.Lose {
		return len(c.again)
	}
	return len(c.again) + 1 + c.spec.Duplicates
}

// planCorrections plans what a person corrects once the call is charged. A surcharge
// never lets it cost less than nothing.
func (c *plannedCall) planCorrections(random *rand.Rand, length time.Duration) {
	amount := map[tencent.SDKAppID]string{clinic: "0.25", tutoring: "30"}[c.spec.SDKAppID]
	for _, kind := range one(
		random, []string{checker.Reverse}, []string{checker.Reverse, checker.Undo}, []string{checker.Adjust},
		[]string{checker.Adjust, checker.Reverse}, []string{checker.Adjust, checker.Reverse, checker.Undo},
	) {
		made := checker.Correction{Kind: kind}
		if kind == checker.Adjust {
			made.Amount = amount
		}
		c.corrections = append(c.corrections, made)
	}
	c.correctors = 1 + random.IntN(3)
	c.correctedAt = max(c.at, between(random, 0, length))
}

func one[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }

func between(random *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(random.Int64N(int64(to-from)+1))
}
