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

// planCalls lets calls end while the faults happen.
func (p *plan) planCalls(calls int) {
	var length time.Duration
	for _, s := range p.steps {
		length += s.after + s.lasts
	}
	random, seen := rand.New(rand.NewPCG(p.seed, 2)), rand.New(rand.NewPCG(p.seed, 3))
	for i := range calls {
		c := newPlannedCall(random, length)
		if i%5 == 4 {
			c = newSeenCall(seen, length)
		}
		c.spec.CallID = fmt.Sprintf("seed-%d-call-%d", p.seed, i+1)
		p.calls = append(p.calls, c)
	}
}
