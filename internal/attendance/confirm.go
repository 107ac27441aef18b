package attendance

import (
	"cmp"
	"slices"
	"time"

	"aftercall/internal/tencent"
)

// Doubt is why a call that has no record is not confirmed by what was seen of it.
type Doubt string

// The doubts, in words that follow the call.
const (
	UnseenByCallback Doubt = "the callbacks about its members did not see it connected once, without a gap"
	UnseenByRoom     Doubt = "the room did not see it connected once, without a gap"
	NobodyInRoom     Doubt = "the room saw nobody"
	WasConnected     Doubt = "the callback says that it was not connected, but a source saw it connected"
	TooShort         Doubt = "both sources saw it connected for less than a second"
	TimesDiffer      Doubt = "the sources differ about its time by more than the tolerance"
	ClaimDiffers     Doubt = "the callback about its end differs from what was seen by more than the tolerance"
	CallerUnseen     Doubt = "the room did not see the caller first"
	SeenOnce         Doubt = "only one source saw one of its members"
	NotClaimed       Doubt = "somebody was seen in it whom the callback about its end does not name"
	NotSingle        Doubt = "the callback says that it had two members, but more were seen"
	MembersDiffer    Doubt = "the sources do not agree on the time of each member"
)

// secondMS is the second to which the times of a claim are cut off.
const secondMS = 1000

// around is how long before and after a call events of its room can be about it.
const around = 5 * time.Minute

// Confirmed is a call without a record as both sources saw it.
type Confirmed struct {
	// Record is what the callback claims, with the times and members that both sources
	// saw; see Doubts.
	Record tencent.CallRecord
	// From and To are when both sources saw it connected, zero for a call that was not.
	From, To time.Time
	// Events are all that it was found by, each once, in order.
	Events []Event
	// Doubts are why it is not confirmed: then Record does not count.
	Doubts []Doubt
}

// Confirm compares what a callback claims of a call without record, whose times are
// possible, with what both sources saw. It confirms the call if the room and the callbacks
// about members agree, within the tolerance, with each other on when it was connected and on
// who was in it, if the claim agrees with that but for its whole seconds, and if the room saw
// the caller first. A call that was not connected is confirmed by the room, if it saw no two
// members at once.
//
// A confirmed record is confirmed again by the same events, as the same record.
func Confirm(claim tencent.CallRecord, events []Event, tolerance time.Duration) Confirmed {
	c := Confirmed{Record: claim, Events: known(events)}
	within := tolerance.Milliseconds()
	margin := around.Milliseconds() + within
	wide := span{claim.StartTime*1000 - margin, claim.EndTime*1000 + margin}
	callback := presenceOf(c.Events, SourceCallback, claim.Caller, wide)
	room := presenceOf(c.Events, SourceRoom, claim.Caller, wide)
	if !claim.Connected() {
		c.unconnected(callback, room, span{claim.StartTime*1000 - within, claim.EndTime*1000 + within})
		return c
	}
	claimed := span{claim.AcceptTime * 1000, claim.EndTime * 1000}
	byCallback, once := callback.connectedOnce(claimed)
	c.doubt(!once, UnseenByCallback)
	byRoom, seen := room.connectedOnce(claimed)
	c.doubt(!seen, UnseenByRoom)
	if len(c.Doubts) > 0 {
		return c
	}
	both := span{max(byCallback.from, byRoom.from), min(byCallback.to, byRoom.to)}
	c.doubt(!near(byCallback, byRoom, within), TimesDiffer)
	c.doubt(!near(claimed, both, within+secondMS), ClaimDiffers)
	c.doubt(both.to-both.from < secondMS, TooShort)
	if len(c.Doubts) > 0 {
		return c
	}
	c.From, c.To = time.UnixMilli(both.from).UTC(), time.UnixMilli(both.to).UTC()
	c.Record.AcceptTime = both.from / secondMS
	c.Record.EndTime = c.Record.AcceptTime + (both.to-both.from)/secondMS
	c.Record.StartTime = min(claim.StartTime, c.Record.AcceptTime)
	c.members(callback, room, both, within)
	if len(c.Doubts) > 0 {
		return c
	}
	a := Of(c.Record, c.Events, Policy{Tolerance: tolerance, Sources: 2, Use: UseReview})
	c.doubt(a.Review(), MembersDiffer)
	return c
}

// doubt notes a doubt if there is one.
func (c *Confirmed) doubt(is bool, d Doubt) {
	if is {
		c.Doubts = append(c.Doubts, d)
	}
}

// unconnected confirms that nobody was connected.
func (c *Confirmed) unconnected(callback, room presence, call span) {
	touches := func(s span) bool { return s.from < call.to && s.to > call.from }
	seen := false
	for _, stays := range room {
		seen = seen || slices.ContainsFunc(stays, touches)
	}
	c.doubt(!seen, NobodyInRoom)
	c.doubt(slices.ContainsFunc(callback.connected(), touches) || slices.ContainsFunc(room.connected(), touches), WasConnected)
}

// members finds who was in the call while it was connected.
func (c *Confirmed) members(callback, room presence, call span, tolerance int64) {
	caller := room[c.Record.Caller].common(spans{call})
	c.doubt(len(caller) == 0, CallerUnseen)
	var others []string
	for _, user := range slices.Sorted(keys(callback, room)) {
		byCallback, byRoom := callback[user].common(spans{call}).length(), room[user].common(spans{call}).length()
		switch {
		case user == c.Record.Caller || byCallback == 0 && byRoom == 0:
		case byCallback > 0 && byRoom > 0:
			others = append(others, user)
			c.doubt(!slices.Contains(c.Record.Members, user), NotClaimed)
			c.doubt(len(caller) > 0 && room[user].first(call) <= room[c.Record.Caller].first(call), CallerUnseen)
		default:
			c.doubt(byCallback+byRoom > tolerance, SeenOnce)
		}
	}
	c.doubt(len(others) > 1 && c.Record.CallType == tencent.CallTypeSingle, NotSingle)
	var members []string
	for _, m := range c.Record.Members {
		if (m == c.Record.Caller || slices.Contains(others, m)) && !slices.Contains(members, m) {
			members = append(members, m)
		}
	}
	c.Record.Members, c.Record.MembersTotal = members, 0
	slices.Sort(c.Doubts)
	c.Doubts = slices.Compact(c.Doubts)
}

// near reports whether both ends differ by no more than the tolerance.
func near(a, b span, tolerance int64) bool {
	return max(a.from-b.from, b.from-a.from) <= tolerance && max(a.to-b.to, b.to-a.to) <= tolerance
}

// presence is when each user was there, as one source saw it.
type presence map[string]spans

func keys(all ...presence) func(yield func(string) bool) {
	users := map[string]bool{}
	for _, p := range all {
		for user := range p {
			users[user] = true
		}
	}
	return func(yield func(string) bool) {
		for user := range users {
			if !yield(user) {
				return
			}
		}
	}
}

// presenceOf follows the events of a source. The callbacks about members do not say that
// the caller joins, who is there from the beginning.
func presenceOf(events []Event, source Source, caller string, wide span) presence {
	said := map[string][]Event{}
	for _, e := range events {
		if e.Source == source && e.Kind != Opened {
			said[e.User] = append(said[e.User], e)
		}
	}
	p := presence{}
	if _, known := said[caller]; source == SourceCallback && !known {
		p[caller] = spans{wide}
	}
	for user, own := range said {
		p[user] = read(own, source == SourceCallback && user == caller, wide).sure
	}
	return p
}

// connected are the times with two users or more.
func (p presence) connected() spans {
	type turn struct {
		at, by int64
	}
	var turns []turn
	var all []span
	for _, stays := range p {
		for _, s := range stays {
			turns = append(turns, turn{s.from, 1}, turn{s.to, -1})
		}
	}
	// At one moment, who joins comes before who leaves.
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.by, a.by)) })
	there, since := int64(0), int64(0)
	for _, t := range turns {
		before := there
		there += t.by
		switch {
		case before == 1 && there == 2:
			since = t.at
		case before == 2 && there == 1:
			all = append(all, span{since, t.at})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return united(span{all[0].from, all[len(all)-1].to}, all...)
}

// connectedOnce is the one time in which the call was connected while it is said to have
// been. What touches only its first second is not meant: it may have been cut off.
func (p presence) connectedOnce(claimed span) (once span, ok bool) {
	from := min(claimed.from+secondMS, claimed.to)
	found := slices.DeleteFunc(slices.Clone(p.connected()), func(s span) bool { return s.from > claimed.to || s.to < from })
	if len(found) != 1 {
		return span{}, false
	}
	return found[0], true
}

// first is when the first stay within a call began.
func (s spans) first(call span) int64 {
	for _, stay := range s {
		if stay.from < call.to && stay.to > call.from {
			return stay.from
		}
	}
	return call.to
}
