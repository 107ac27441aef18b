// Package sweep holds the arithmetic of the periodic sweep: which windows of time
// to list next, and how to list a window completely although Tencent documents
// little about its pages. D:68931
package sweep

import "time"

// Reach is how far back records can be listed. Tencent silently moves an earlier
// start, so earlier windows must not be listed: an empty answer would be
// mistaken for a window without calls. D:68931
const Reach = 7 * 24 * time.Hour

// Window is a range of time in whole seconds, both ends included.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Settings configure the sweeps of one app.
type Settings struct {
	// Settle is how long after its end a call may be listed, at the earliest.
	// Before that, its callback may still arrive.
	Settle time.Duration
	// Overlap is how much of the time already swept is listed again. Tencent does
	// not say whether a window selects calls by their start or by their end: if by
	// their start, the overlap finds calls that are no longer than itself.
	Overlap time.Duration
	// MaxWindow is the length of the longest window that is listed at once.
	MaxWindow time.Duration
}

// minLagLimit is for sweeps with a very short period: one run may take a while.
const minLagLimit = 3 * time.Minute

// LagLimit is how long ago the progress of a sweep with this period may be before
// the sweep counts as behind: two and a half periods beyond the settle delay, so that
// an alert fires within three periods.
func (s Settings) LagLimit(every time.Duration) time.Duration {
	return s.Settle + max(5*every/2, minLagLimit)
}

// Windows returns the windows that a sweep has to list at now, in order and
// without gaps, when everything up to sweptTo was listed before. If sweptTo is
// zero, the sweep is the first one and starts at goLive or, if that is zero, as
// far back as records can be listed. The result is empty if no call can have
// settled since sweptTo.
func Windows(sweptTo, goLive, now time.Time, s Settings) []Window {
	to := now.Add(-s.Settle).Truncate(time.Second)
	earliest := earliestListable(now)
	from := goLive
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
	return split(Window{From: from.Truncate(time.Second), To: to}, s.MaxWindow)
}

// BackfillWindows returns the windows of a backfill over w, in order. What is too
// old to be listed at now, or is still to come, is left out.
func BackfillWindows(w Window, now time.Time, s Settings) []Window {
	if earliest := earliestListable(now); w.From.Before(earliest) {
		w.From = earliest
	}
	if w.To.After(now) {
		w.To = now.Truncate(time.Second)
	}
	return split(w, s.MaxWindow)
}

// earliestListable is the earliest second that is within Reach of now.
func earliestListable(now time.Time) time.Time {
	return now.Add(-Reach).Truncate(time.Second).Add(time.Second)
}

// Listable reports whether all of a window can be listed at now.
func (w Window) Listable(now time.Time) bool { return !w.From.Before(earliestListable(now)) }

// split divides a window into windows of at most length, each of which starts
// where the one before it ends. A window that ends before it starts gives none.
func split(w Window, length time.Duration) []Window {
	length = max(length.Truncate(time.Second), time.Second)
	var windows []Window
	for from := w.From; !from.After(w.To); {
		to := from.Add(length)
		if !to.Before(w.To) {
			return append(windows, Window{From: from, To: w.To})
		}
		windows = append(windows, Window{From: from, To: to})
		from = to
	}
	return windows
}

// Halves divides a window that is too large to be listed. A window of a single
// second cannot be divided.
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
