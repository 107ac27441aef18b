package checker

import (
	"maps"
	"slices"
	"time"
)

// Seen is one thing that a source says of a member of a call.
type Seen struct {
	// Kind is joined, left or dropped. At is in Unix seconds.
	Source, User, Kind string
	At                 int64
}

// Sent is an event that Tencent has posted. Answered is when it was first answered OK,
// zero if it never was.
type Sent struct {
	Seen
	Answered time.Time
}

// tolerance is how many seconds of a member one source can have more than another.
const tolerance = 5

// own are those of the events that are about this call, not about one before or after it
// in the same room: none from before it started, and of a member who joins after the end
// none from then on.
func (c Call) own(events []Seen) []Seen {
	return slices.DeleteFunc(slices.Clone(events), func(e Seen) bool {
		return e.At < c.Start-tolerance || slices.ContainsFunc(events, func(o Seen) bool {
			return o.Source == e.Source && o.User == e.User && o.Kind == "joined" && o.At >= c.End && o.At <= e.At
		})
	})
}

// members computes how many seconds each member was in the call, by what was kept of it:
// for each second of the call and each source, whether it has the member there. It is
// nil if nothing was seen. record lets the record decide where something is wrong.
func (c Call) members(record bool) map[string]int {
	all, sources, joined := c.witnesses()
	if len(sources) == 0 {
		return nil
	}
	seconds := map[string]int{}
	for _, m := range c.Members {
		switch wrong := !joined || all[m].wrong(); {
		case wrong && record:
			seconds[m] = int(c.End - c.Accept)
		case wrong:
			seconds[m] = all[m].count(earliestLeave)
		default:
			seconds[m] = all[m].count(every)
		}
	}
	return seconds
}

// witnesses are what the sources that saw a member of the call say of each, and whether
// one of them saw that somebody else than the caller joined.
func (c Call) witnesses() (all map[string]witnesses, sources []string, joined bool) {
	c.Seen = c.own(c.Seen)
	for _, s := range c.Seen {
		if slices.Contains(c.Members, s.User) && !slices.Contains(sources, s.Source) {
			sources = append(sources, s.Source)
		}
	}
	if len(sources) == 0 {
		return nil, nil, false
	}
	all = map[string]witnesses{}
	for _, m := range c.Members {
		for _, source := range sources {
			all[m] = append(all[m], c.stay(source, m))
		}
		joined = joined || m != c.Caller && all[m].count(some) > 0
	}
	return all, sources, joined
}

// stay is when one source has one member in the call.
type stay struct {
	sure, possible []bool // by second since AcceptTime
	open           bool
}

func (c Call) stay(source, member string) stay {
	s := stay{sure: make([]bool, c.End-c.Accept), possible: make([]bool, c.End-c.Accept), open: member == c.Caller}
	mark := func(seconds []bool, from, to int64) {
		for at := max(from, c.Accept); at < min(to, c.End); at++ {
			seconds[at-c.Accept] = true
		}
	}
	kinds := map[int64][]string{}
	var times []int64
	for _, e := range c.Seen {
		if e.Source == source && e.User == member && (member != c.Caller || e.At >= c.Accept) {
			kinds[e.At], times = append(kinds[e.At], e.Kind), append(times, e.At)
		}
	}
	slices.Sort(times)
	since, gone := c.Accept, c.Accept
	for _, at := range slices.Compact(times) {
		joins := slices.Contains(kinds[at], "joined")
		leaves := slices.Contains(kinds[at], "left") || slices.Contains(kinds[at], "dropped")
		switch {
		case joins && leaves, joins && s.open:
		case joins:
			s.open, since = true, at
		case s.open:
			mark(s.sure, since, at)
			s.open, gone = false, max(gone, at)
		default:
			mark(s.possible, gone, at)
			gone = max(gone, at)
		}
	}
	if s.open {
		mark(s.sure, since, c.End)
	}
	for i := range s.sure {
		s.possible[i] = s.possible[i] || s.sure[i]
	}
	return s
}

// witnesses are what all sources say of one member.
type witnesses []stay

// count counts the seconds that count as there.
func (w witnesses) count(there func(w witnesses, second int) bool) (n int) {
	for second := range w[0].sure {
		if there(w, second) {
			n++
		}
	}
	return n
}

func every(w witnesses, second int) bool {
	return !slices.ContainsFunc(w, func(s stay) bool { return !s.sure[second] })
}

func some(w witnesses, second int) bool {
	return slices.ContainsFunc(w, func(s stay) bool { return s.sure[second] })
}

func possible(w witnesses, second int) bool {
	return slices.ContainsFunc(w, func(s stay) bool { return s.possible[second] })
}

// earliestLeave is while no source that saw the member join or leave says otherwise.
func earliestLeave(w witnesses, second int) bool {
	return some(w, second) && !slices.ContainsFunc(w, func(s stay) bool {
		if slices.Contains(s.sure, true) {
			return !s.sure[second]
		}
		return slices.Contains(s.possible, true) && !s.possible[second]
	})
}

// wrong reports whether something about the member has to be decided.
func (w witnesses) wrong() bool {
	if w.count(possible)-w.count(some) > tolerance {
		return true
	}
	open := w.count(some) > 0
	for _, s := range w {
		there := witnesses{s}.count(some)
		if there-w.count(every) > tolerance || there > 0 && w.count(every) == 0 {
			return true
		}
		open = open && (!slices.Contains(s.possible, true) || s.open)
	}
	return open
}

// seen checks what a charge was made from: nothing that Tencent has not posted, and all
// that was answered OK in time.
func (r *report) seen(c Call, entry Entry) {
	sent := map[Seen]time.Time{}
	for _, s := range c.Sent {
		sent[s.Seen] = s.Answered
	}
	for _, s := range c.Seen {
		if _, posted := sent[s]; !posted {
			r.add(Invented, c.ID(), "it was charged by %s, which Tencent has not posted", s)
		}
	}
	for _, s := range c.own(slices.Collect(maps.Keys(sent))) {
		answered := sent[s]
		// A call that was not accepted by its record is not charged by what was seen.
		if entry.Operator == "" && (!c.Recorded || c.Accept > 0) && !answered.IsZero() && answered.Before(c.SeenBefore) && !slices.Contains(c.Seen, s) {
			r.add(Overlooked, c.ID(), "it was charged without %s, which was answered OK at %s", s, answered.Format(time.TimeOnly))
		}
	}
}

// String is the event in a few words.
func (s Seen) String() string {
	return s.Source + ": " + s.User + " " + s.Kind + " at " + clockOf(s.At)
}
