// Package agenda orders what happens in a simulation. Everything that begins by
// itself, such as a callback, a timer of Temporal or the end of an outage, is an
// entry with a time and a name; Run does one at a time, in the order of both, and
// lets everything that follows from one settle before the next. Which goroutine of the
// code under test ran first therefore makes no difference.
//
// An Agenda belongs to one bubble of testing/synctest, whose clock it moves.
package agenda

import (
	"container/heap"
	"sync"
	"testing/synctest"
	"time"
)

// Agenda is safe for concurrent use; New makes one.
type Agenda struct {
	mu      sync.Mutex
	entries entries
	changed chan struct{}
}

type entry struct {
	at   time.Time
	name string
	do   func()
}

// New returns an empty Agenda.
func New() *Agenda { return &Agenda{changed: make(chan struct{}, 1)} }

// At adds an entry. do must not block: what takes time goes into a goroutine. Two
// entries of one time are done in the order of their names, so a name says what it is
// about. A time in the past is now.
func (a *Agenda) At(at time.Time, name string, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); at.Before(now) {
		at = now
	}
	heap.Push(&a.entries, entry{at, name, do})
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// After is At some time from now.
func (a *Agenda) After(d time.Duration, name string, do func()) { a.At(time.Now().Add(d), name, do) }

// Run does the entries until the time, or until done says so, which is asked whenever
// everything has settled.
func (a *Agenda) Run(until time.Time, done func() bool) {
	end := time.NewTimer(time.Until(until))
	defer end.Stop()
	for {
		synctest.Wait()
		if done() {
			return
		}
		next, wait := a.next()
		if next != nil {
			next()
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-a.changed:
		case <-timer.C:
		case <-end.C:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// never is longer than any simulation.
const never = 10 * 365 * 24 * time.Hour

// next returns the entry that is due, or how long to wait for one.
func (a *Agenda) next() (do func(), wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.entries) == 0 {
		return nil, never
	}
	if wait := time.Until(a.entries[0].at); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&a.entries).(entry).do, 0
}

// entries implements heap.Interface.
type entries []entry

func (e entries) Len() int { return len(e) }

func (e entries) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].name < e[j].name
}

func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *entries) Push(x any) { *e = append(*e, x.(entry)) }

// Pop implements heap.Interface.
func (e *entries) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = entry{}
	*e = (*e)[:len(*e)-1]
	return last
}
