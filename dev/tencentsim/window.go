package tencentsim

import "time"

// windowLength is the span over which Tencent counts requests.
const windowLength = time.Second

// window counts the events of the last second, that is of (t − 1 s, t], and
// remembers the most it ever held. Because it holds every event one by one,
// its maximum is that of any window of 1 s, not only of whole seconds.
type window struct {
	times []time.Time
	max   int
}

// count drops what is older than a second and returns how many are left.
func (w *window) count(t time.Time) int {
	drop := 0
	for drop < len(w.times) && t.Sub(w.times[drop]) >= windowLength {
		drop++
	}
	w.times = w.times[drop:]
	return len(w.times)
}

// add counts an event. A clock that goes backwards stands still.
func (w *window) add(t time.Time) {
	if n := len(w.times); n > 0 && t.Before(w.times[n-1]) {
		t = w.times[n-1]
	}
	w.count(t)
	w.times = append(w.times, t)
	w.max = max(w.max, len(w.times))
}

// admit adds the event unless limit events are in the window already.
func (w *window) admit(t time.Time, limit int) bool {
	if w.count(t) >= limit {
		return false
	}
	w.add(t)
	return true
}
