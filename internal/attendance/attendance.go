package attendance

import (
	"slices"
	"time"

	"aftercall/internal/tencent"
)

// Attendance is who was in a call, and for how long.
type Attendance struct {
	// Sources are those that saw a member of the call, in order. There is no evidence if
	// there is none; then all members have no time.
	Sources []Source
	// Members are all of the record: the caller first, then in the order of their accounts.
	Members []Member
	// Disagreements are in order: those about the call, then those about members.
	Disagreements []Disagreement
	// Events are all that it was made from: those of the members in this call, each once, in order.
	Events []Event
}

// Member is how long somebody was in the call.
type Member struct {
	User string `json:"user"`
	// Intervals are in order, within AcceptTime and EndTime, and do not overlap.
	Intervals []Interval `json:"intervals,omitempty"`
	// Seconds is the length of all intervals together, cut off to whole seconds once.
	Seconds int64 `json:"seconds"`
	// Proof are the IDs of the events by which the intervals begin and end; empty if
	// the time is that of the record.
	Proof []string `json:"proof,omitempty"`
	// Witnessed is set if two sources saw the member leave for the last time, none saw
	// the member dropped, and the intervals have no time after the first leaving: then
	// they have no dead air.
	Witnessed bool `json:"witnessed,omitempty"`
}

// Interval is a time in the call, in UTC and milliseconds.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Review reports whether a person must decide about a disagreement. The times of the
// members are then not decided.
func (a *Attendance) Review() bool {
	return slices.ContainsFunc(a.Disagreements, func(d Disagreement) bool { return d.Decided == UseReview })
}

// Of works out the attendance of a call that was accepted, whose times are possible.
// Events of users who are not in the record do not count, nor those of other calls in the
// same room: what happened before StartTime, but for the tolerance, and what is said of a
// member who joins after EndTime. Times before AcceptTime and after EndTime do not count.
//
// Sources agree if none has more time of a member than all have in common by more than
// the tolerance, and if they have any in common when one has. Then the common time counts.
func Of(record tencent.CallRecord, events []Event, p Policy) Attendance {
	members := membersOf(&record)
	begin, end := time.Unix(record.StartTime, 0).Add(-p.Tolerance), time.Unix(record.EndTime, 0)
	a := Attendance{Events: ofCall(plain(events, members), begin, end)}
	said := map[statement][]Event{}
	for _, e := range a.Events {
		if !slices.Contains(a.Sources, e.Source) {
			a.Sources = append(a.Sources, e.Source)
		}
		by := statement{e.Source, e.User}
		said[by] = append(said[by], e)
	}
	slices.Sort(a.Sources)
	call := span{record.AcceptTime * 1000, record.EndTime * 1000}
	views := make([]view, len(members))
	joined := false
	for i, user := range members {
		accounts := make([]account, len(a.Sources))
		for j, source := range a.Sources {
			accounts[j] = read(said[statement{source, user}], user == record.Caller, call)
		}
		views[i] = newView(accounts, call)
		joined = joined || user != record.Caller && len(views[i].union) > 0
	}
	if len(a.Sources) > 0 {
		if len(a.Sources) < p.Sources {
			a.Disagreements = append(a.Disagreements, Disagreement{Problem: OneSource, Decided: p.Use})
		}
		if !joined && call.to > call.from {
			a.Disagreements = append(a.Disagreements, Disagreement{Problem: NobodyJoined, Decided: p.Use})
		}
	}
	ofCall := len(a.Disagreements) > 0
	for i, user := range members {
		problems := views[i].problems(p.Tolerance.Milliseconds())
		for _, problem := range problems {
			a.Disagreements = append(a.Disagreements, Disagreement{Problem: problem, User: user, Decided: p.Use})
		}
		use := Use("")
		if ofCall || len(problems) > 0 {
			use = p.Use
		}
		a.Members = append(a.Members, views[i].member(user, use))
	}
	return a
}

// statement says of whom a source says something.
type statement struct {
	source Source
	user   string
}

// view is what all sources together say of one member.
type view struct {
	call     span
	accounts []account
	// common is the time that all sources have. union is that which at least one has,
	// possible also that which follows from a leaving, and seen that of union which no
	// source excludes that saw the member join or leave.
	common, seen, union, possible spans
}

func newView(accounts []account, call span) view {
	v := view{call: call, accounts: accounts}
	var union, possible []span
	for i, account := range accounts {
		if i == 0 {
			v.common = account.sure
		}
		v.common = v.common.common(account.sure)
		says := account.sure
		if len(says) == 0 { // a leaving, perhaps, whose joining was not seen
			says = account.possible
		}
		switch {
		case len(says) == 0:
		case len(possible) == 0:
			v.seen = says
		default:
			v.seen = v.seen.common(says)
		}
		union, possible = append(union, account.sure...), append(possible, account.possible...)
	}
	v.union, v.possible = united(call, union...), united(call, possible...)
	v.seen = v.seen.common(v.union)
	return v
}

// problems are those about the member. tolerance is in milliseconds.
func (v *view) problems(tolerance int64) []Problem {
	differ, open := false, len(v.union) > 0
	for _, account := range v.accounts {
		extra := account.sure.length() - v.common.length()
		differ = differ || extra > tolerance || extra > 0 && len(v.common) == 0
		open = open && (len(account.possible) == 0 || account.open)
	}
	var problems []Problem
	if differ {
		problems = append(problems, SourcesDiffer)
	}
	if v.possible.length()-v.union.length() > tolerance {
		problems = append(problems, JoiningMissed)
	}
	if open {
		problems = append(problems, NeverLeft)
	}
	return problems
}

// member is the time that counts by use, which is empty if there is nothing to decide.
func (v *view) member(user string, use Use) Member {
	m := Member{User: user}
	var counts spans
	switch use {
	case UseRecord:
		counts = united(v.call, v.call)
	case UseLongest:
		counts = v.possible
	case UseEarliestLeave, UseReview:
		counts = v.seen
	default:
		counts = v.common
	}
	for _, s := range counts {
		m.Intervals = append(m.Intervals, Interval{time.UnixMilli(s.from).UTC(), time.UnixMilli(s.to).UTC()})
	}
	m.Seconds = counts.length() / 1000
	if use == UseRecord {
		return m
	}
	witnesses, dropped := 0, false
	for _, account := range v.accounts {
		m.Proof = append(m.Proof, account.proof...)
		if len(account.sure) > 0 && !account.open {
			witnesses++
		}
		dropped = dropped || account.dropped
	}
	m.Witnessed = witnesses >= 2 && !dropped && use != UseLongest
	return m
}
