package tencentsim

import "time"

// windowLength is the time over which Tencent counts requests.
const windowLength = time.Second

// window counts the events of the last second, that is of (t − 1 s, t], and
// keeps the highest count. Because it holds every event, the maximum is exact
// for any window of 1 s, not only for whole seconds.
type window struct {
	times []time.Time
	max   int
}

// count drops events older than a second and returns how many remain.
func (w *window) count(t time.Time) int {
	drop := 0
	for drop < len(w.times) && t.Sub(w.times[drop]) >= windowLength {
		drop++
	}
	w.times = w.times[drop:]
	return len(w.times)
}

// add counts an event. A time before that of the last event is taken as equal to it.
func (w *window) add(t time.Time) {
	if n := len(w.times); n > 0 && t.Before(w.times[n-1]) {
		t = w.times[n-1]
	}
	w.count(t)
	w.times = append(w.times, t)
	w.max = max(w.max, len(w.times))
}

// admit adds the event unless the window already has limit events.
func (w *window) admit(t time.Time, limit int) bool {
	if w.count(t) >= limit {
		return false
	}
	w.add(t)
	return true
}
