// Package attendance works out who was in a call and for how long, from what was seen
// while the call lasted. It is pure: the same record, events and policy give the same
// attendance, in whatever order the events are, however often each is repeated, and at
// any time.
package attendance

import (
	"cmp"
	"slices"
	"time"

	"aftercall/internal/tencent"
)

// Source is the way by which an event came. Each source is a witness of its own: what
// one of them loses or delays, another can still have.
type Source string

// The sources.
const (
	// SourceCallback is Call.CallbackAfterMemberChanged. D:69215
	SourceCallback Source = "callback"
	// SourceRoom are the webhooks of the call's room. D:39558
	SourceRoom Source = "room"
)

// Kind is what happened to a member.
type Kind string

// The kinds of events.
const (
	// Joined: the member answered or joined the call, or entered its room.
	Joined Kind = "joined"
	// Left: the member hung up, or left the room.
	Left Kind = "left"
	// Dropped: the member was removed, about 90 s after the last sign of life: the end of
	// the time before is dead air. C:80459
	Dropped Kind = "dropped"
	// Opened: the user opened the room. It says nothing about who is in the call. D:39558
	Opened Kind = "opened"
)

// Kinds lists the kinds of events that say who is in a call.
var Kinds = []Kind{Joined, Left, Dropped}

// Event is one thing that one source says of a member. Two that differ only in ID are
// the same.
type Event struct {
	// ID names the event for people. It can be empty.
	ID     string `json:"id,omitempty"`
	Source Source `json:"source"`
	// User is the account of the member.
	User string `json:"user"`
	Kind Kind   `json:"kind"`
	// At is when it happened, in UTC and milliseconds, by the clock of the source.
	At time.Time `json:"at"`
}

// compare orders events by time.
func compare(a, b Event) int {
	return cmp.Or(
		a.At.Compare(b.At), cmp.Compare(a.User, b.User), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID),
	)
}

// same reports whether two events differ at most in ID.
func same(a, b Event) bool {
	return a.At.Equal(b.At) && a.User == b.User && a.Source == b.Source && a.Kind == b.Kind
}

// plain are the events of the members, each once, in order.
func plain(events []Event, members []string) []Event {
	listed := make(map[string]bool, len(members))
	for _, m := range members {
		listed[m] = true
	}
	var kept []Event
	for _, e := range events {
		if slices.Contains(Kinds, e.Kind) && listed[e.User] {
			e.At = time.UnixMilli(e.At.UnixMilli()).UTC()
			kept = append(kept, e)
		}
	}
	slices.SortFunc(kept, compare)
	return slices.CompactFunc(kept, same)
}

// ofCall are those of the events, which are in order, that can be about a call from begin
// to end: its room can have had other calls before and after it. A member who joins at the
// end or later is in the next call, and so is what the source says of that member from then on.
func ofCall(events []Event, begin, end time.Time) []Event {
	next := map[statement]time.Time{}
	for _, e := range events {
		by := statement{e.Source, e.User}
		if _, found := next[by]; !found && e.Kind == Joined && !e.At.Before(end) {
			next[by] = e.At
		}
	}
	var kept []Event
	for _, e := range events {
		at, found := next[statement{e.Source, e.User}]
		if !e.At.Before(begin) && (!found || e.At.Before(at)) {
			kept = append(kept, e)
		}
	}
	return kept
}

// Openings are the events of Opened that name a user, each once, in order.
func Openings(events []Event) []Event {
	return slices.DeleteFunc(known(events), func(e Event) bool { return e.Kind != Opened })
}

// known are the events of users, each once, in order.
func known(events []Event) []Event {
	var kept []Event
	for _, e := range events {
		if e.User != "" && (e.Kind == Opened || slices.Contains(Kinds, e.Kind)) {
			e.At = time.UnixMilli(e.At.UnixMilli()).UTC()
			kept = append(kept, e)
		}
	}
	slices.SortFunc(kept, compare)
	return slices.CompactFunc(kept, same)
}

// membersOf are the caller and the others, each once: the caller first, then in the
// order of their accounts.
func membersOf(r *tencent.CallRecord) []string {
	others := slices.DeleteFunc(slices.Clone(r.Members), func(m string) bool { return m == "" || m == r.Caller })
	slices.Sort(others)
	others = slices.Compact(others)
	if r.Caller == "" {
		return others
	}
	return append([]string{r.Caller}, others...)
}
