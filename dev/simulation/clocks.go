package simulation

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"aftercall/internal/clock"
)

// machineClock is the clock of a machine, as the product reads it through its seam. What
// asks Go itself, such as a timer, has the right time.
type machineClock struct {
	name  string
	ahead atomic.Int64
}

func newMachineClock(name string) *machineClock { return &machineClock{name: name} }

func (c *machineClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// clockSources are the clocks with which the processes compare those of their machines.
func (w *World) clockSources(p *process) []clock.Source {
	return []clock.Source{
		{Name: clock.Temporal, Read: func(context.Context) (time.Time, error) {
			if w.plan.down(TemporalDown, "") {
				return time.Time{}, errors.New("simulated outage")
			}
			return time.Now(), nil
		}},
		{Name: clock.Ledger, Read: w.ledger.Now},
		{Name: clock.Redis, Read: p.guard.Now},
	}
}

// wrong is how far a clock is ahead: by what is tolerated, by what is corrected, or by so
// much that a worker takes no tasks.
var wrong = []time.Duration{-10 * time.Minute, -45 * time.Second, -time.Second, time.Second, 45 * time.Second, 10 * time.Minute}

// scheduleClock makes the clock of a machine wrong for a while, at most twice in a night.
func (w *World) scheduleClock(fault Fault, c *machineClock, n night, begin time.Time) {
	random := w.plan.random("clock", c.name)
	for range random.IntN(3) {
		from := begin.Add(upTo(random, n.length))
		ahead := wrong[random.IntN(len(wrong))]
		w.plan.happened(fault)
		w.setClock(c, from, ahead, random)
		w.setClock(c, from.Add(upTo(random, 2*time.Hour)), 0, random)
	}
}

// setClock sets a clock. The processes find out within half a minute; the later looks are
// for an outage of Temporal.
func (w *World) setClock(c *machineClock, at time.Time, ahead time.Duration, random *rand.Rand) {
	w.agenda.At(at, "clock of the "+c.name, func() {
		c.ahead.Store(int64(ahead))
		w.trace.add("system", "the clock of the %s is %s ahead", c.name, ahead)
	})
	first := at.Add(upTo(random, 30*time.Second))
	for _, later := range []time.Duration{0, 10 * time.Minute, time.Hour} {
		w.agenda.At(first.Add(later), "compare the clock of the "+c.name, func() {
			watch := w.process.workerClocks
			if c == w.starterClock {
				watch = w.process.starterClocks
			}
			go watch.Measure(context.Background())
		})
	}
}
