package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// plan is what happens in a run. It depends on its seed and the topology alone.
type plan struct {
	seed  uint64
	steps []step
	calls []plannedCall
}

// step is a fault, after a pause.
type step struct {
	after, lasts time.Duration
	fault        fault
}

const (
	maxPause = 3 * time.Second
	// minFault and maxFault are how long a fault lasts. The longest ones are longer
	// than the timeouts of requests.
	minFault, maxFault = 2 * time.Second, 16 * time.Second
)

// newPlan injects the faults of a hand one after the other.
func newPlan(seed uint64, hand []fault, calls int) plan {
	p := plan{seed: seed}
	random := rand.New(rand.NewPCG(seed, 1))
	for _, f := range hand {
		p.steps = append(p.steps, step{after: between(random, 0, maxPause), lasts: between(random, minFault, maxFault), fault: f})
	}
	p.planCalls(calls)
	return p
}

// newPlanOf injects certain faults, each for the longest time.
func newPlanOf(seed uint64, faults []fault, calls int) plan {
	p := plan{seed: seed}
	for _, f := range faults {
		p.steps = append(p.steps, step{after: maxPause, lasts: maxFault, fault: f})
	}
	p.planCalls(calls)
	return p
}

// namesakes says that one of so many calls has the CallId of a call of another app.
const namesakes = 5

// namesake is the CallId of the first of some calls that is of another app than a call, or
// its own.
func namesake(calls []plannedCall, c plannedCall) string {
	for _, other := range calls {
		if other.spec.SDKAppID != c.spec.SDKAppID {
			return other.spec.CallID
		}
	}
	return c.spec.CallID
}

// planCalls lets calls end while the faults happen.
func (p *plan) planCalls(calls int) {
	var length time.Duration
	for _, s := range p.steps {
		length += s.after + s.lasts
	}
	random, seen, unrecorded := rand.New(rand.NewPCG(p.seed, 2)), rand.New(rand.NewPCG(p.seed, 3)), rand.New(rand.NewPCG(p.seed, 5))
	for i := range calls {
		c := newPlannedCall(random, length)
		switch i % 10 {
		case 4:
			c = newSeenCall(seen, length)
		case 9:
			c = newUnrecordedCall(unrecorded, length)
		case 7:
			c.loseRecord()
		}
		c.spec.CallID = fmt.Sprintf("seed-%d-call-%d", p.seed, i+1)
		if i%namesakes == 0 {
			c.spec.CallID = namesake(p.calls[max(0, i-namesakes+1):], c)
		}
		for j := range c.corrections {
			c.corrections[j].App, c.corrections[j].CallID = nameOf(c.spec.SDKAppID), c.spec.CallID
		}
		p.calls = append(p.calls, c)
	}
	p.planAtLast(length)
}

// planAtLast plans which callbacks are posted once more when everything has recovered and
// was swept, minutes after their calls ended: those of calls at the beginning that have a
// workflow.
func (p *plan) planAtLast(length time.Duration) {
	random := rand.New(rand.NewPCG(p.seed, 4))
	for i := range p.calls {
		c := &p.calls[i]
		c.atLast = random.IntN(2) == 0 && c.recorded && c.at < length/3 && c.deliveries() < mostDeliveries
	}
}
