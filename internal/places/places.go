// Package places bounds how many do something at once, and sends away at once those whose
// turn would come too late: in a burst they leave the processors to those that are in time.
package places

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrFull is returned to those that get no place in time.
var ErrFull = errors.New("no place is free in time")

// Places are the places of those that do it at once. They are safe for concurrent use.
type Places struct {
	places  chan struct{} // has one for each that is taken or closed
	open    atomic.Int64  // places, which are not closed
	least   int64         // places that stay open
	quick   time.Duration // is a place that was kept for less
	waiting atomic.Int64  // for a place
	origin  time.Time
	latest  atomic.Int64 // a place was taken, in nanoseconds since origin
	kept    atomic.Int64 // places were, of late, in nanoseconds
}

// New returns n places.
func New(n int) *Places { return NewAdaptive(n, n, 0) }

// NewAdaptive returns places of which the least are open, until they are needed and kept
// for less than quick: each of these opens another one, up to the most. One that is kept
// for longer is closed, because more at once only make one another slower.
func NewAdaptive(least, most int, quick time.Duration) *Places {
	p := &Places{places: make(chan struct{}, most), least: int64(least), quick: quick, origin: time.Now()}
	p.open.Store(p.least)
	for range most - least {
		p.places <- struct{}{}
	}
	return p
}

// Place is one that was taken.
type Place struct {
	of    *Places
	since time.Time
}

// Take waits for a place until ctx ends, for as long as patience at most, and not at all
// where that would be in vain, because it would not be done in that time.
func (p *Places) Take(ctx context.Context, patience time.Duration) (Place, error) {
	select {
	case p.places <- struct{}{}:
		return p.taken(), nil
	default:
	}
	waiting := p.waiting.Add(1)
	defer p.waiting.Add(-1)
	if p.inVain(waiting, patience) {
		return Place{}, ErrFull
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case p.places <- struct{}{}:
		return p.taken(), nil
	case <-timer.C:
		return Place{}, ErrFull
	case <-ctx.Done():
		return Place{}, ctx.Err()
	}
}

// Full reports whether it would be in vain to wait for a place now.
func (p *Places) Full(patience time.Duration) bool { return p.inVain(p.waiting.Load()+1, patience) }

// inVain reports whether the last of those that wait would not be done in time.
func (p *Places) inVain(waiting int64, patience time.Duration) bool {
	if len(p.places) < cap(p.places) {
		return false
	}
	open := p.open.Load()
	rounds := (waiting+open-1)/open + 1 // until it is its turn, and its own
	// All places are taken, and will be kept for longer than it is since the latest was.
	kept := max(p.kept.Load(), int64(time.Since(p.origin))-p.latest.Load())
	return time.Duration(rounds*kept) >= patience
}

func (p *Places) taken() Place {
	place := Place{p, time.Now()}
	p.latest.Store(int64(place.since.Sub(p.origin)))
	return place
}

// Leave gives the place to another one. How long it was kept is expected of the next ones
// at once if it was longer than before, and by an eighth if it was shorter.
func (p Place) Leave() {
	kept := time.Since(p.since)
	expected, before := int64(kept), p.of.kept.Load()
	if expected < before {
		expected = before + (expected-before)/8
	}
	p.of.kept.Store(expected)
	p.of.leave(kept < p.of.quick)
}

// leave opens another place too, if all are needed and this one was kept for a short time,
// and closes this one if it was kept for long.
func (p *Places) leave(quick bool) {
	open := p.open.Load()
	switch {
	case !quick && open > p.least && p.open.CompareAndSwap(open, open-1):
		return // it is closed
	case quick && open < int64(cap(p.places)) && len(p.places) == cap(p.places) && p.open.CompareAndSwap(open, open+1):
		<-p.places // one that was closed
	}
	<-p.places
}
