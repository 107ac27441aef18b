package attendance_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

// The reference counts a call half a second by half a second, and asks in each of them
// what each source says of the member. All events of its calls are at half seconds.
const tick = 500

// turn is a moment at which a source says that a member joined or left.
type turn struct {
	ms     int64
	joined bool
}

// mine are the events of the call itself: none before it started, and of a member who
// joins after the end none from then on.
func mine(record tencent.CallRecord, events []attendance.Event, tolerance time.Duration) []attendance.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e attendance.Event) bool {
		started, ended := time.Unix(record.StartTime, 0).Add(-tolerance), time.Unix(record.EndTime, 0)
		return e.At.Before(started) || slices.ContainsFunc(events, func(o attendance.Event) bool {
			return o.Source == e.Source && o.User == e.User && o.Kind == attendance.Joined && !o.At.Before(ended) && !o.At.After(e.At)
		})
	})
}

// turns are what a source says of a member, in any order, without moments at which it
// says both.
func turns(events []attendance.Event, source attendance.Source, user string, caller bool) []turn {
	var all []turn
	for _, e := range events {
		t := turn{e.At.UnixMilli() - accepted*1000, e.Kind == attendance.Joined}
		if e.Source == source && e.User == user && (!caller || t.ms >= 0) {
			all = append(all, t)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(t turn) bool { return slices.Contains(all, turn{t.ms, !t.joined}) })
}

// said is what a source says in the tick that begins at ms: sure is that the member is in
// the call, possible that a later leaving makes it possible.
func said(turns []turn, caller bool, ms int64) (sure, possible bool) {
	before, after := turn{-1 << 40, caller}, turn{1 << 40, true}
	for _, t := range turns {
		switch {
		case t.ms <= ms && t.ms > before.ms:
			before = t
		case t.ms > ms && t.ms < after.ms:
			after = t
		}
	}
	return before.joined, before.joined || !after.joined
}

// counted are the half seconds of one member.
type counted struct {
	common, seen, union, possible int64
	// of and possibleOf are those of each source.
	of, possibleOf []int64
	neverLeft      bool
}

func count(record tencent.CallRecord, events []attendance.Event, sources []attendance.Source, user string) counted {
	caller := user == record.Caller
	ticks := record.ConnectedSeconds() * 1000 / tick
	c := counted{of: make([]int64, len(sources)), possibleOf: make([]int64, len(sources)), neverLeft: true}
	saying := make([][]turn, len(sources))
	for i, source := range sources {
		saying[i] = turns(events, source, user, caller)
		for n := range ticks {
			sure, possible := said(saying[i], caller, n*tick)
			if sure {
				c.of[i]++
			}
			if possible {
				c.possibleOf[i]++
			}
		}
		last, _ := said(saying[i], caller, 1<<39)
		c.neverLeft = c.neverLeft && (last || c.possibleOf[i] == 0)
	}
	for n := range ticks {
		all, every, one, perhaps := true, true, false, false
		for i := range sources {
			sure, possible := said(saying[i], caller, n*tick)
			all = all && sure
			every = every && (sure || c.of[i] == 0 && (possible || c.possibleOf[i] == 0))
			one, perhaps = one || sure, perhaps || possible
		}
		add := func(counter *int64, is bool) {
			if is {
				*counter++
			}
		}
		add(&c.common, all)
		add(&c.seen, every && one)
		add(&c.union, one)
		add(&c.possible, perhaps)
	}
	c.neverLeft = c.neverLeft && c.union > 0
	return c
}

// reference is the seconds of each member and the problems of the call.
func reference(record tencent.CallRecord, events []attendance.Event, p attendance.Policy) (seconds []int64, problems []string) {
	users := []string{"caller", "a", "b", "c"}
	events = mine(record, events, p.Tolerance)
	var sources []attendance.Source
	for _, source := range []attendance.Source{attendance.SourceRoom, attendance.SourceCallback} {
		if slices.ContainsFunc(events, func(e attendance.Event) bool { return e.Source == source && slices.Contains(users, e.User) }) {
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		return []int64{0, 0, 0, 0}, nil
	}
	if len(sources) < p.Sources {
		problems = append(problems, "one_source")
	}
	all := make([]counted, len(users))
	alone := true
	for i, user := range users {
		all[i] = count(record, events, sources, user)
		alone = alone && (i == 0 || all[i].union == 0)
	}
	if alone {
		problems = append(problems, "nobody_joined")
	}
	ofCall := len(problems) > 0
	tolerance := p.Tolerance.Milliseconds() / tick
	for i, user := range users {
		c := all[i]
		disputed := ofCall
		problem := func(is bool, name string) {
			if is {
				problems, disputed = append(problems, name+" "+user), true
			}
		}
		problem(slices.Max(c.of)-c.common > tolerance || c.common == 0 && c.union > 0, "sources_differ")
		problem(c.possible-c.union > tolerance, "joining_missed")
		problem(c.neverLeft, "never_left")
		half := c.common
		if disputed {
			half = map[attendance.Use]int64{
				attendance.UseEarliestLeave: c.seen, attendance.UseReview: c.seen, attendance.UseLongest: c.possible,
				attendance.UseRecord: record.ConnectedSeconds() * 1000 / tick,
			}[p.Use]
		}
		seconds = append(seconds, half*tick/1000)
	}
	return seconds, problems
}

// faults are how often something happens to an event, of a hundred.
type faults struct{ lost, repeated, late int }

// groupCall is a random call of four, of which each source saw what really happened, by
// a clock of its own and with faults on the way.
func groupCall(r *rand.Rand) (tencent.CallRecord, []attendance.Event) {
	length := int64(5 + r.IntN(36))
	record := tencent.CallRecord{Caller: "caller", StartTime: accepted - r.Int64N(12), AcceptTime: accepted, EndTime: accepted + length, Members: []string{"b", "caller", "a", "c"}}
	f := faults{lost: r.IntN(3) * 10, repeated: r.IntN(50), late: r.IntN(50)}
	clocks := map[attendance.Source]int64{}
	for _, source := range []attendance.Source{attendance.SourceRoom, attendance.SourceCallback} {
		if r.IntN(10) > 0 {
			clocks[source] = [...]int64{0, 0, 0, 1, -2, 12, -7}[r.IntN(7)] * tick
		}
	}
	var events []attendance.Event
	happened := func(user string, kind attendance.Kind, ms int64) {
		for source, off := range clocks {
			if r.IntN(100) < f.lost {
				continue
			}
			e := attendance.Event{Source: source, User: user, Kind: kind, At: at(ms + off)}
			e.ID = fmt.Sprint(source, user, kind, ms)
			events = append(events, e)
			for r.IntN(100) < f.repeated {
				events = append(events, e)
			}
		}
	}
	for _, user := range []string{"caller", "a", "b", "c"} {
		from, end := int64(0), 2*length
		switch {
		case user == "caller":
			from = -r.Int64N(20)
		case r.IntN(5) == 0: // did not answer
			continue
		case user != "a":
			from = r.Int64N(end)
		}
		for range 1 + r.IntN(3) {
			happened(user, attendance.Joined, from*tick)
			to := from + r.Int64N(end-min(from, end)+1)
			if r.IntN(2) == 0 {
				to = end
			}
			happened(user, attendance.Kinds[1+r.IntN(2)], to*tick)
			from = to + r.Int64N(6)
			if to >= end {
				break
			}
		}
	}
	for _, user := range []string{"caller", "a", "b", "c"} {
		if r.IntN(6) == 0 { // the call before or the next one in the same room
			first := [...]int64{-60, 2 * length}[r.IntN(2)] + r.Int64N(40)
			happened(user, attendance.Joined, first*tick)
			happened(user, attendance.Kinds[1+r.IntN(2)], (first+r.Int64N(60))*tick)
		}
	}
	for i := range events {
		if r.IntN(100) < f.late {
			j := r.IntN(len(events))
			events[i], events[j] = events[j], events[i]
		}
	}
	return record, events
}

// TestReference compares 100,000 random group calls, whose events are lost, repeated,
// in disorder, late and by wrong clocks, with the reference.
func TestReference(t *testing.T) {
	calls := 100_000
	if testing.Short() {
		calls = 2000
	}
	found := map[attendance.Problem]int{}
	clean := 0
	for seed := range calls {
		r := rand.New(rand.NewPCG(uint64(seed), 22))
		record, events := groupCall(r)
		p := attendance.Policy{Tolerance: time.Duration(r.IntN(8)) * time.Second, Sources: 1 + r.IntN(2), Use: attendance.Uses[r.IntN(len(attendance.Uses))]}
		got := attendance.Of(record, events, p)
		wantSeconds, wantProblems := reference(record, events, p)
		if !slices.Equal(wantSeconds, seconds(got)) || !slices.Equal(wantProblems, problems(got)) {
			require.Equal(t, wantSeconds, seconds(got), "seed %d: %+v\n%+v", seed, p, events)
			require.Equal(t, wantProblems, problems(got), "seed %d: %+v\n%+v", seed, p, events)
		}
		for _, d := range got.Disagreements {
			found[d.Problem]++
		}
		if len(got.Disagreements) == 0 && len(got.Sources) > 0 {
			clean++
		}
	}
	t.Logf("%d calls without disagreement, and %v", clean, found)
	for _, problem := range []attendance.Problem{
		attendance.OneSource, attendance.NobodyJoined, attendance.SourcesDiffer, attendance.JoiningMissed, attendance.NeverLeft,
	} {
		require.Greater(t, found[problem], calls/100, "%s must happen", problem)
	}
	require.Greater(t, clean, calls/20)
}
