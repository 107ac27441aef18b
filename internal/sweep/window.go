// Package sweep is the arithmetic of reconciliation: which stretch of time to
// list next, and how to list it whole although Tencent says little about its
// pages. D:68931
package sweep

import "time"

// Reach is how far back records can be listed. An earlier start is silently
// moved by Tencent, so nothing earlier may be asked for and believed. D:68931
const Reach = 7 * 24 * time.Hour

// Window is a stretch of time, both ends included, in whole seconds.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Settings are how an app is swept.
type Settings struct {
	// Settle leaves calls alone whose callback may still be on its way.
	Settle time.Duration
	// Overlap is listed again before what was swept last. Tencent does not say
	// whether a window tests the start or the end of a call: if it is the
	// start, a call is found only by an overlap longer than itself.
	Overlap time.Duration
	// Slice is the longest window that is listed at once.
	Slice time.Duration
}

// Windows are what to list at now, in order and without gaps, when everything
// up to sweptTo was listed before; the zero time stands for never, and begin
// is where the first sweep ever begins (the zero time: as far back as Tencent
// knows). There is nothing to list when the calls since have not settled.
func Windows(sweptTo, begin, now time.Time, s Settings) []Window {
	to := now.Add(-s.Settle).Truncate(time.Second)
	earliest := reach(now)
	from := begin
	if !sweptTo.IsZero() {
		if !sweptTo.Before(to) {
			return nil
		}
		from = sweptTo
	}
	if !from.IsZero() {
		from = from.Add(-s.Overlap)
	}
	if from.Before(earliest) {
		from = earliest
	}
	return Slices(Window{From: from.Truncate(time.Second), To: to}, s.Slice)
}

// Between are the windows of a backfill, in order: w as far as Tencent still
// knows of it at now.
func Between(w Window, now time.Time, s Settings) []Window {
	if earliest := reach(now); w.From.Before(earliest) {
		w.From = earliest
	}
	return Slices(w, s.Slice)
}

// reach is the earliest second that can be asked for at now.
func reach(now time.Time) time.Time {
	return now.Add(-Reach).Truncate(time.Second).Add(time.Second)
}

// Slices cuts a window into ones of at most length, which share their ends. A
// window that ends before it begins gives none.
func Slices(w Window, length time.Duration) []Window {
	length = max(length.Truncate(time.Second), time.Second)
	var slices []Window
	for from := w.From; !from.After(w.To); {
		to := from.Add(length)
		if !to.Before(w.To) {
			return append(slices, Window{From: from, To: w.To})
		}
		slices = append(slices, Window{From: from, To: to})
		from = to
	}
	return slices
}

// Halves splits a window that is too large to be listed whole. A window of a
// single second cannot be split.
func (w Window) Halves() (halves []Window, ok bool) {
	switch length := w.To.Sub(w.From); {
	case length < time.Second:
		return nil, false
	case length == time.Second:
		return []Window{{From: w.From, To: w.From}, {From: w.To, To: w.To}}, true
	default:
		middle := w.From.Add((length / 2).Truncate(time.Second))
		return []Window{{From: w.From, To: middle}, {From: middle, To: w.To}}, true
	}
}
