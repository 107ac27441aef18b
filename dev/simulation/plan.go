package simulation

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Fault is a kind of fault.
type Fault string

// The faults that hit single requests, attempts and tasks.
const (
	ActivityBefore   Fault = "activity fails before its effect"
	ActivityAfter    Fault = "activity fails after its effect"
	ActivityLost     Fault = "worker dies with the result of an activity"
	TaskLost         Fault = "worker dies with the result of a workflow task"
	CacheLost        Fault = "worker has lost its cache"
	LedgerBefore     Fault = "ledger does not answer"
	LedgerAfter      Fault = "ledger has committed, answer lost"
	StartRefused     Fault = "Temporal does not answer"
	StartAnswerLost  Fault = "Temporal has done it, answer lost"
	EvidenceBefore   Fault = "database of events does not answer"
	EvidenceAfter    Fault = "database of events has committed, answer lost"
	EvidenceUnread   Fault = "events of a call cannot be read"
	EventLate        Fault = "event of a call late"
	ListBehind       Fault = "list of workflows is behind"
	RedisBefore      Fault = "Redis does not answer"
	RedisAfter       Fault = "Redis has done it, answer lost"
	StarterBefore    Fault = "starter dies before the start"
	StarterBetween   Fault = "starter dies between start and confirmation"
	RecordGateway    Fault = "record API: 502 with HTML"
	RecordCut        Fault = "record API: answer cut off"
	RecordTimeout    Fault = "record API: no answer in time"
	RecordCode       Fault = "record API: error code"
	Target500        Fault = "target: 500"
	Target429        Fault = "target: 429 with Retry-After"
	TargetTimeout    Fault = "target: no answer in time"
	TargetReset      Fault = "target: connection reset after receipt"
	CallbackLost     Fault = "callback lost"
	CallbackRepeated Fault = "callback repeated"
	CallbackLate     Fault = "callback late, after its copies"
	CallbackOdd      Fault = "callback malformed"
	RecordLate       Fault = "record late"
	RecordAbsent     Fault = "record never there"
	RecordOdd        Fault = "record odd"
	RecordUnusual    Fault = "record that a person must decide about"
	RecordChanged    Fault = "record changed after the charge"
	Reset            Fault = "workflow reset"
	Corrected        Fault = "charge corrected by a person"
	// CorrectedAgain is a command that a person gives once more, though it has worked.
	CorrectedAgain Fault = "correction repeated"
)

// The faults that last or that hit the system as a whole.
const (
	RedisDown      Fault = "Redis is down"
	RedisForgets   Fault = "Redis has forgotten everything"
	TemporalDown   Fault = "Temporal is down"
	LedgerDown     Fault = "ledger is down"
	EvidenceDown   Fault = "database of events is down"
	RecordAPIDown  Fault = "record API is down"
	TargetDown     Fault = "target is down"
	CallbackOutage Fault = "no callback arrives"
	WorkerRestart  Fault = "worker restarted"
	WorkerKilled   Fault = "worker killed"
	Backfill       Fault = "backfill overlaps a sweep"
	SecondSweep    Fault = "sweep overlaps a sweep"
	StarterClock   Fault = "clock of the starter is wrong"
	WorkerClock    Fault = "clock of the worker is wrong"

	TargetForDays   Fault = "target is down for three days"
	CallbackForDays Fault = "no callback arrives for most of a week"
)

// What follows from others, or happens within one.
const (
	Forgotten Fault = "callback after its workflow was deleted"
	Reversed  Fault = "charge reversed"
	Undone    Fault = "reversal undone"
	Adjusted  Fault = "credit or surcharge booked"

	EventsLost      Fault = "events of a call lost"
	EventsRepeated  Fault = "events of a call repeated"
	EventsReordered Fault = "events of a call in another order"
)

// rare are faults that leave too few calls without trouble if they are frequent.
var rare = []Fault{Reset, Corrected, RecordAbsent, RecordOdd, RecordUnusual}

// single are the faults that have a rate.
var single = []Fault{
	ActivityBefore, ActivityAfter, ActivityLost, TaskLost, CacheLost, LedgerBefore, LedgerAfter, StartRefused, StartAnswerLost, ListBehind,
	EvidenceBefore, EvidenceAfter, EvidenceUnread, EventLate,
	RedisBefore, RedisAfter, StarterBefore, StarterBetween, RecordGateway, RecordCut, RecordTimeout, RecordCode,
	Target500, Target429, TargetTimeout, TargetReset, CallbackLost, CallbackRepeated, CallbackLate, CallbackOdd,
	RecordLate, RecordAbsent, RecordOdd, RecordUnusual, RecordChanged, Reset, Corrected, CorrectedAgain,
}

// period is an outage.
type period struct {
	fault    Fault
	subject  string // a target
	from, to time.Time
}

// Plan is everything that a seed decides. Every choice is drawn from the seed and the
// name of what it is about, so that it depends on no order.
type Plan struct {
	seed    uint64
	rates   map[Fault]float64
	periods []period

	mu     sync.Mutex
	healed bool
	nth    map[string]int
	counts map[Fault]int
}

// newPlan draws the rates. A third of the faults does not occur: what is rare shows
// better without what hides it.
func newPlan(seed uint64) *Plan {
	p := &Plan{seed: seed, rates: map[Fault]float64{}, nth: map[string]int{}, counts: map[Fault]int{}}
	for _, fault := range single {
		random := p.random("rate", string(fault))
		if random.IntN(3) == 0 {
			continue
		}
		rate := []float64{0.01, 0.02, 0.05, 0.1}[random.IntN(4)]
		switch {
		case slices.Contains(rare, fault):
			rate = max(rate/2, 0.02)
		case fault == RecordChanged: // only of calls whose callback is repeated
			rate = 0.5
		case fault == CorrectedAgain: // only of calls that are corrected
			rate = 0.3
		case fault == EvidenceUnread: // only of calls that are charged by events
			rate = 0.2
		}
		p.rates[fault] = rate
	}
	return p
}

// random is a source for one decision.
func (p *Plan) random(parts ...string) *rand.Rand {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(p.seed, h.Sum64()))
}

// count is how often something with this name has been decided before.
func (p *Plan) count(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nth[name]++
	return name + "\x00" + strconv.Itoa(p.nth[name])
}

// strikes decides whether a fault hits what the parts name. Each time is a decision of
// its own.
func (p *Plan) strikes(fault Fault, parts ...string) bool {
	if p.rates[fault] == 0 {
		return false
	}
	name := string(fault)
	for _, part := range parts {
		name += "\x00" + part
	}
	return p.decides(fault, p.count(name))
}

// decides is strikes for something that is decided once, and always in the same way.
func (p *Plan) decides(fault Fault, name string) bool {
	rate := p.rates[fault]
	if rate == 0 || p.random("strike", string(fault), name).Float64() >= rate {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.healed {
		return false
	}
	p.counts[fault]++
	return true
}

// happened counts a fault that the plan has scheduled.
func (p *Plan) happened(fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[fault]++
}

// heal ends all faults.
func (p *Plan) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.healed = true
}

// down reports whether there is an outage now.
func (p *Plan) down(fault Fault, subject string) bool { return !p.downUntil(fault, subject).IsZero() }

// downUntil is the end of the outage that there is now, the zero time for none.
func (p *Plan) downUntil(fault Fault, subject string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.healed {
		return time.Time{}
	}
	now := time.Now()
	for _, o := range p.periods {
		if o.fault == fault && o.subject == subject && !now.Before(o.from) && now.Before(o.to) {
			return o.to
		}
	}
	return time.Time{}
}

// Counts are how often each fault has struck.
func (p *Plan) Counts() map[Fault]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// upTo is a duration below limit.
func upTo(random *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(limit)))
}

// Faults are all kinds of faults.
func Faults() []Fault {
	return append(slices.Clone(single), RedisDown, RedisForgets, TemporalDown, LedgerDown, EvidenceDown, RecordAPIDown, TargetDown, CallbackOutage,
		WorkerRestart, WorkerKilled, Backfill, SecondSweep, StarterClock, WorkerClock, TargetForDays, CallbackForDays, Forgotten, Reversed, Undone, Adjusted, EventsLost, EventsRepeated, EventsReordered)
}
