package checker

import (
	"cmp"
	"slices"
)

// What an app makes of calls of which Tencent has no record, without a person.
const (
	// UnrecordedFree charges nothing, and nobody.
	UnrecordedFree = "free"
	// UnrecordedSeen charges what both sources saw, if they agree.
	UnrecordedSeen = "evidence"
)

// Claim is what a callback says of a call that has ended.
type Claim struct {
	Caller, Media, Type, Result string
	Start, Accept, End          int64 // Unix seconds
	Members                     []string
	// Room says that it names the call's room: without, webhooks of the room are not found.
	Room bool
}

const (
	room, callback = "room", "callback"

	// around is how many seconds before and after a call somebody may have been in its room.
	around = 300
	// possibleEnd is by how many seconds a claim may be wrong about the end of a call that
	// costs nothing. What is wrong about it in a run is wrong by years.
	possibleEnd = 24 * 3600
)

// withoutRecord checks the charge of a call without a record about which no person has
// decided. One of the claims counts, and it is not known which one.
func (r *report) withoutRecord(c Call, entry Entry) {
	var wrong []Finding // by the first claim that can be charged
	for _, claim := range c.Claims {
		as, sum, ok := r.Tariffs[c.App].Unrecorded(c, claim)
		if !ok {
			continue
		}
		by := &report{}
		if entry.Result != as.Result {
			by.add(WrongRecord, c.ID(), "a call without a record that ended by %q is charged as one that ended by %q", as.Result, entry.Result)
		}
		by.compare(c, entry, sum, as.Caller, as.End)
		if len(by.findings) == 0 {
			return
		}
		if wrong == nil {
			wrong = by.findings
		}
	}
	r.findings = append(r.findings, wrong...)
	if wrong == nil {
		r.add(Blind, c.ID(), "%s %s was charged without a record and a decision", entry.Amount, entry.Currency)
	}
}

// chargeable reports whether a call without a record could certainly be charged without a
// person: whatever callback counts, and if all was seen in time that could be seen.
func (r *report) chargeable(c Call) bool {
	c.Seen = nil
	for _, s := range c.Sent {
		if s.Answered.IsZero() || !s.Answered.Before(c.SeenBefore) {
			return false
		}
		c.Seen = append(c.Seen, s.Seen)
	}
	return len(c.Claims) > 0 && !slices.ContainsFunc(c.Claims, func(claim Claim) bool {
		_, _, ok := r.Tariffs[c.App].Unrecorded(c, claim)
		return !ok
	})
}

// Unrecorded is as what a call without a record is charged, and what that costs. The
// caller of the result is who pays. It is not ok if a person must decide.
func (t Tariff) Unrecorded(c Call, claim Claim) (as Call, sum Sum, ok bool) {
	as = c.as(claim)
	switch t.WithoutRecord {
	case UnrecordedFree:
		as.Caller = ""
		return as, t.free(), max(as.End-c.End, c.End-as.End) < possibleEnd
	case UnrecordedSeen:
		if !claim.Room {
			return as, Sum{}, false
		}
		if _, review := t.Rate(as); review {
			return as, Sum{}, false
		}
		if as, ok = as.witnessed(); !ok {
			return as, Sum{}, false
		}
		sum, review := t.Rate(as)
		as.Caller = t.Payer(as)
		return as, sum, !review
	}
	return as, Sum{}, false
}

// as is the call as a callback claims it to be.
func (c Call) as(claim Claim) Call {
	c.Caller, c.Media, c.Type, c.Result = claim.Caller, claim.Media, claim.Type, claim.Result
	c.Start, c.Accept, c.End = claim.Start, claim.Accept, claim.End
	return c.of(claim.Members)
}

// of is the call with other members.
func (c Call) of(members []string) Call {
	c.Members, c.Participants, c.FirstCallee = members, 0, ""
	for _, m := range members {
		if m != c.Caller {
			c.Participants++
			c.FirstCallee = cmp.Or(c.FirstCallee, m)
		}
	}
	return c
}

// witnessed is a call with the time and the members that both sources saw. It is not ok
// if they do not confirm what the call says of itself.
func (c Call) witnessed() (Call, bool) {
	byCallback, byRoom := c.presence(callback), c.presence(room)
	if c.Accept == 0 {
		from, to := c.Start-tolerance, c.End+tolerance
		return c, byRoom.most(from, to) == 1 && byCallback.most(from, to) < 2
	}
	one, once := byCallback.connected(c.Accept, c.End)
	other, seen := byRoom.connected(c.Accept, c.End)
	both := stretch{max(one.from, other.from), min(one.to, other.to)}
	// A claim has whole seconds, cut off.
	if !once || !seen || !one.near(other, tolerance) || !both.near(stretch{c.Accept, c.End}, tolerance+1) || both.to <= both.from {
		return c, false
	}
	callerSince, callerSeen := byRoom.since(c.Caller, both)
	var seenIn []string
	for user := range byCallback.users {
		seenIn = append(seenIn, user)
	}
	for user := range byRoom.users {
		seenIn = append(seenIn, user)
	}
	slices.Sort(seenIn)
	var others []string
	for _, user := range slices.Compact(seenIn) {
		n, m := byCallback.seconds(user, both), byRoom.seconds(user, both)
		switch since, _ := byRoom.since(user, both); {
		case user == c.Caller:
		case n > 0 && m > 0 && (!slices.Contains(c.Members, user) || since <= callerSince), (n == 0) != (m == 0) && n+m > tolerance:
			return c, false
		case n > 0 && m > 0:
			others = append(others, user)
		}
	}
	if !callerSeen || len(others) > 1 && c.Type == "SingleCall" {
		return c, false
	}
	c.Start, c.Accept, c.End = min(c.Start, both.from), both.from, both.to
	c = c.of(slices.DeleteFunc(slices.Clone(c.Members), func(m string) bool { return m != c.Caller && !slices.Contains(others, m) }))
	all, sources, joined := c.witnesses()
	agree := len(sources) == 2 && joined
	for _, m := range c.Members {
		agree = agree && !all[m].wrong()
	}
	return c, agree
}

// stretch is a time without a gap, in Unix seconds.
type stretch struct{ from, to int64 }

func (a stretch) near(b stretch, seconds int64) bool {
	return max(a.from-b.from, b.from-a.from) <= seconds && max(a.to-b.to, b.to-a.to) <= seconds
}

// presence is whom one source saw, in each second from begin on.
type presence struct {
	begin, end int64
	users      map[string][]bool
}

// presence is what a source saw around the call. The callbacks do not say that the caller
// joins.
func (c Call) presence(source string) presence {
	p := presence{c.Start - around - tolerance, c.End + around + tolerance, map[string][]bool{}}
	users := []string{c.Caller}
	if source == room {
		users, c.Caller = nil, ""
	}
	c.Accept, c.End = p.begin, p.end
	for _, s := range c.Seen {
		if s.Source == source {
			users = append(users, s.User)
		}
	}
	for _, user := range users {
		p.users[user] = c.stay(source, user).sure
	}
	return p
}

func (p presence) there(user string, at int64) bool {
	return at >= p.begin && at < p.end && len(p.users[user]) > 0 && p.users[user][at-p.begin]
}

// seconds is for how long a user was there.
func (p presence) seconds(user string, in stretch) (n int64) {
	for at := in.from; at < in.to; at++ {
		if p.there(user, at) {
			n++
		}
	}
	return n
}

// since is when the first stay of a user began that is in a time; not seen if there is none.
func (p presence) since(user string, in stretch) (since int64, seen bool) {
	for at := in.from; at < in.to; at++ {
		if p.there(user, at) {
			for p.there(user, at-1) {
				at--
			}
			return at, true
		}
	}
	return in.to, false
}

// count is how many users were there in a second.
func (p presence) count(at int64) (n int) {
	for user := range p.users {
		if p.there(user, at) {
			n++
		}
	}
	return n
}

// most is how many users were there at once.
func (p presence) most(from, to int64) (n int) {
	for at := from; at < to; at++ {
		n = max(n, p.count(at))
	}
	return n
}

// connected is the one time with two users or more that touches the time from one second
// to another. What ends in the first second does not count.
func (p presence) connected(from, to int64) (only stretch, once bool) {
	var all []stretch
	for at := p.begin; at < p.end; at++ {
		switch last := len(all) - 1; {
		case p.count(at) < 2:
		case last >= 0 && all[last].to == at:
			all[last].to++
		default:
			all = append(all, stretch{at, at + 1})
		}
	}
	all = slices.DeleteFunc(all, func(s stretch) bool { return s.from > to || s.to <= from })
	if len(all) != 1 {
		return stretch{}, false
	}
	return all[0], true
}
