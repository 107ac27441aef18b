package audit

import (
	"slices"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// kinds are those of attendance by those of events.
var kinds = map[evidence.Kind]attendance.Kind{
	evidence.KindJoined: attendance.Joined, evidence.KindLeft: attendance.Left, evidence.KindDropped: attendance.Dropped,
}

// Witnessed returns in how many of the connected seconds of a call each of the two
// sources, independently of the other, saw two members or more in it. events are those of
// the call. It never is more than the connected seconds.
func Witnessed(record tencent.CallRecord, events []evidence.Event) int64 {
	if record.ConnectedSeconds() <= 0 {
		return 0
	}
	common := []span{{record.AcceptTime * 1000, record.EndTime * 1000}}
	for _, source := range evidence.Sources {
		common = overlap(common, together(record, events, source))
	}
	var ms int64
	for _, s := range common {
		ms += s.to - s.from
	}
	return ms / 1000
}

// together are the times, in order, in which one source saw two members or more.
func together(record tencent.CallRecord, events []evidence.Event, source evidence.Source) []span {
	var seen []attendance.Event
	for _, e := range events {
		before := e.At.Before(time.Unix(record.StartTime, 0).Add(-Tolerance)) // a call before in the same room
		if kind, ok := kinds[e.Kind]; ok && e.Source == source && !before {
			seen = append(seen, attendance.Event{Source: attendance.Source(source), User: e.User, Kind: kind, At: e.At})
		}
	}
	if len(seen) == 0 {
		return nil
	}
	type change struct {
		at int64
		by int
	}
	var changes []change
	// A callback is not sent about the caller, who is in the call from its start. A room
	// says of everybody who enters; a robot, for one, does not.
	callerSeen := source == evidence.SourceCallback || slices.ContainsFunc(seen, func(e attendance.Event) bool { return e.User == record.Caller })
	// One source agrees with itself: what it did not see is not counted.
	for _, m := range attendance.Of(record, seen, attendance.Policy{Use: attendance.UseEarliestLeave, Tolerance: 365 * 24 * time.Hour}).Members {
		if m.User == record.Caller && !callerSeen {
			continue
		}
		for _, i := range m.Intervals {
			changes = append(changes, change{i.From.UnixMilli(), 1}, change{i.To.UnixMilli(), -1})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return int(max(-1, min(1, a.at-b.at))) })
	var spans []span
	members := 0
	for i, c := range changes {
		if members >= 2 && changes[i-1].at < c.at {
			spans = append(spans, span{changes[i-1].at, c.at})
		}
		members += c.by
	}
	return spans
}

// overlap is what both have, which are in order.
func overlap(a, b []span) []span {
	var both []span
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if s := (span{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}); s.from < s.to {
			both = append(both, s)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return both
}
