package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
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

// plannedCall is a call that ends at a time of the run.
type plannedCall struct {
	at   time.Duration
	spec tencentsim.CallSpec
	// again are times at which its callback is posted once more, forgotten says that
	// Redis has forgotten the call before.
	again     []time.Duration
	forgotten bool
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

// newPlanOf injects one fault alone, while most of the calls end.
func newPlanOf(seed uint64, f fault, calls int) plan {
	p := plan{seed: seed, steps: []step{{after: maxPause, lasts: maxFault, fault: f}}}
	p.planCalls(calls)
	return p
}

// planCalls lets calls end while the faults happen.
func (p *plan) planCalls(calls int) {
	var length time.Duration
	for _, s := range p.steps {
		length += s.after + s.lasts
	}
	random := rand.New(rand.NewPCG(p.seed, 2))
	for i := range calls {
		c := newPlannedCall(random, length)
		c.spec.CallID = fmt.Sprintf("seed-%d-call-%d", p.seed, i+1)
		p.calls = append(p.calls, c)
	}
}

// newPlannedCall is a call with up to ten deliveries of its callback, at once, one
// after the other, and some later; or with none.
func newPlannedCall(random *rand.Rand, length time.Duration) plannedCall {
	apps := []tencent.SDKAppID{1400000000, 1400000001}
	media := []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo}
	c := plannedCall{at: between(random, 0, length), spec: tencentsim.CallSpec{
		SDKAppID: apps[random.IntN(len(apps))], Media: media[random.IntN(len(media))],
		Seconds: random.Int64N(400), GroupSize: 2 + random.IntN(3), EndedAgoSeconds: random.Int64N(6),
		Lose: random.IntN(10) == 0, Concurrent: random.IntN(2) == 0,
	}}
	if random.IntN(3) == 0 {
		c.spec.Duplicates = random.IntN(8)
	}
	switch random.IntN(8) {
	case 0: // the record comes late
		c.spec.RecordAfterSeconds = c.spec.EndedAgoSeconds + 5 + random.Int64N(20)
	case 1: // it cannot be read at first
		c.spec.RecordFault = &tencentsim.APIFault{Code: tencent.CodeInternal, Times: 1 + random.IntN(3)}
	case 2: // the callback says something else
		c.spec.Callback = json.RawMessage(`{"AcceptTime": 1}`)
	}
	if !c.spec.Lose {
		for range random.IntN(3) {
			c.again = append(c.again, between(random, 0, length))
		}
		c.forgotten = random.IntN(2) == 0
	}
	return c
}

func between(random *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(random.Int64N(int64(to-from)+1))
}
