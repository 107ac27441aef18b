package billing

import (
	"fmt"
	"slices"
	"time"
)

// Assignment says by which tariff the calls of an app are charged from a time on,
// until the next assignment begins.
type Assignment struct {
	Name          string    `yaml:"name" required:"true" doc:"Name of a tariff in tariffs."`
	EffectiveFrom time.Time `yaml:"effective_from" doc:"When the tariff begins to apply, by the EndTime of calls, as in 2026-01-01T00:00:00+08:00; the first tariff can do without, and then applies to all earlier calls."`
}

// Assignments are those of an app, in any order. At every moment the latest one that
// has begun applies.
type Assignments []Assignment

// Validate returns every problem of the times, in the order of the file.
func (as Assignments) Validate() []Problem {
	if len(as) == 0 {
		return []Problem{{Message: "is empty: write the name of a tariff"}}
	}
	var problems []Problem
	begins := make(map[time.Time]int, len(as))
	for i, a := range as {
		from := a.EffectiveFrom.Round(0).UTC() // equal times are equal keys
		earlier, known := begins[from]
		path := fmt.Sprintf("[%d].effective_from", i)
		switch {
		case !known:
			begins[from] = i
		case from.IsZero():
			problems = append(problems, Problem{path, fmt.Sprintf("is missing, as in tariff[%d]: only one tariff, the first, can be without", earlier)})
		default:
			problems = append(problems, Problem{path, fmt.Sprintf("is the same time as in tariff[%d]: only one tariff can begin then", earlier)})
		}
	}
	return problems
}

// Ordered are the assignments in the order of time.
func (as Assignments) Ordered() Assignments {
	return slices.SortedFunc(slices.Values(as), func(a, b Assignment) int { return a.EffectiveFrom.Compare(b.EffectiveFrom) })
}

// segment is a time in which all calls are charged by the same version, by the
// EndTime of calls. It lasts until the next segment begins.
type segment struct {
	// from is zero in the first segment, which has no beginning.
	from time.Time
	// tariff is empty if none is assigned.
	tariff string
	// version is nil if none is in force.
	version *compiledVersion
}

// missing says what a segment without version lacks.
func (s *segment) missing() string {
	if s.tariff == "" {
		return "no tariff was assigned to the app"
	}
	return "no version of tariff " + s.tariff + " was in force"
}

// segments divides all time by assignments and versions, the latest first. versions
// are those of each tariff, the latest first.
func (as Assignments) segments(versions map[string][]compiledVersion) []segment {
	ordered := as.Ordered()
	var all []segment
	if len(ordered) == 0 || !ordered[0].EffectiveFrom.IsZero() {
		all = append(all, segment{})
	}
	for i, a := range ordered {
		last := i == len(ordered)-1
		current := segment{from: a.EffectiveFrom.UTC(), tariff: a.Name}
		for j := len(versions[a.Name]) - 1; j >= 0; j-- {
			v := &versions[a.Name][j]
			if !v.EffectiveFrom.After(a.EffectiveFrom) {
				current.version = v
				continue
			}
			if !last && !v.EffectiveFrom.Before(ordered[i+1].EffectiveFrom) {
				break
			}
			all = append(all, current)
			current = segment{from: v.EffectiveFrom, tariff: a.Name, version: v}
		}
		all = append(all, current)
	}
	slices.Reverse(all)
	return all
}

// InForce is the tariff at a time, and since when its version applies. from is zero if
// no version does, and tariff is empty if none is assigned.
func (r *Rater) InForce(at time.Time) (tariff string, from time.Time) {
	s := &r.segments[r.inForce(at)]
	if s.version != nil {
		from = s.version.EffectiveFrom
	}
	return s.tariff, from
}

// Gap is a time in which no version is in force, so that calls go to review.
type Gap struct {
	// From is zero if nothing is in force before To.
	From, To time.Time
	// Tariff is the one assigned; empty if none is.
	Tariff string
}

// Gaps are all of a Rater, the earliest first. The first one ends when the first
// version begins.
func (r *Rater) Gaps() []Gap {
	var gaps []Gap
	for i, s := range slices.Backward(r.segments) {
		if s.version == nil { // never the last one, because a tariff has a version
			gaps = append(gaps, Gap{From: s.from, To: r.segments[i-1].from, Tariff: s.tariff})
		}
	}
	return gaps
}

// String says why nothing is in force.
func (g Gap) String() string {
	if g.Tariff == "" {
		return "no tariff is assigned before " + g.To.Format(time.RFC3339)
	}
	return "no version of " + g.Tariff + " is in force before " + g.To.Format(time.RFC3339)
}
