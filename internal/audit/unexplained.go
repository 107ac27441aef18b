// Package audit compares when rooms were seen in use with the calls that are known, by
// their entry in the ledger or by Tencent's record: what no call explains was a call
// without a record.
package audit

import (
	"cmp"
	"slices"
	"time"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

const (
	// Tolerance is how long before its start and after its end a call explains that its
	// room is in use: the clocks of two sources differ, and a record has whole seconds.
	Tolerance = 5 * time.Second
	// DeadAir is how much longer members who were dropped may be in the room of a call
	// after its end: Tencent removes them after about 90 s. C:80459
	DeadAir = 100 * time.Second
	// maxStay is how long a call lasts whose end is not known.
	maxStay = 24 * time.Hour
)

// Room names a room of an app.
type Room struct {
	ID tencent.RoomID `json:"room_id"`
	// IDType is 1 for a digit room, 2 for a string room.
	IDType int `json:"room_id_type"`
}

// Span is a time in which a room was in use, and that no call explains. It names no
// account.
type Span struct {
	Room
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Seconds is from From to To, cut off.
	Seconds int64 `json:"seconds"`
	// Members is how many were in the room at once, at most.
	Members int `json:"members"`
	// NeverLeft means that a member was not seen to leave, so that To is not certain. If
	// none was, To is From.
	NeverLeft bool `json:"never_left"`
	// CallID is the call without a record, if the callback about its start said that it
	// was in this room; empty otherwise.
	CallID string `json:"call_id"`

	// use is that of which this is a part.
	use *evidence.RoomUse
}

// span is a time from, inclusive, to, exclusive, in Unix milliseconds.
type span struct{ from, to int64 }

// explanation is what a record explains, with the tolerance. end is its end without.
type explanation struct {
	span
	end int64
}

// Unexplained returns the parts of the uses that none of the records explains, in the
// order of the uses. A record explains that its room is in use from its start to its
// end, with the tolerance, and a rest after that which is not longer than the dead air:
// of a use in which the call was, not of one that began after its end.
// It is pure: the order of the records does not matter.
func Unexplained(uses []evidence.RoomUse, records []tencent.CallRecord) []Span {
	calls := map[Room][]explanation{}
	for _, r := range records {
		for _, room := range possibleRooms(r) {
			calls[room] = append(calls[room], explainedBy(r))
		}
	}
	for _, of := range calls {
		slices.SortFunc(of, func(a, b explanation) int { return cmp.Compare(a.from, b.from) })
	}
	var all []Span
	for i, use := range uses {
		room := Room{use.RoomID, use.RoomIDType}
		for _, rest := range without(span{use.From.UnixMilli(), use.To.UnixMilli()}, calls[room]) {
			all = append(all, Span{
				Room: room, From: time.UnixMilli(rest.from).UTC(), To: time.UnixMilli(rest.to).UTC(), Seconds: (rest.to - rest.from) / 1000,
				Members: use.Members, NeverLeft: use.NeverLeft, use: &uses[i],
			})
		}
	}
	return all
}

// explainedBy is the time that a record explains. Its fields can be odd.
func explainedBy(r tencent.CallRecord) explanation {
	from, to := r.StartTime, r.EndTime
	if from == 0 || r.AcceptTime > 0 && r.AcceptTime < from {
		from = r.AcceptTime
	}
	if to < from {
		to = from + int64(maxStay/time.Second)
	}
	return explanation{span{from*1000 - Tolerance.Milliseconds(), to*1000 + Tolerance.Milliseconds()}, to * 1000}
}

// without is what the calls, which are in order, leave of a use.
func without(use span, calls []explanation) []span {
	var rest []span
	at, after := use.from, false // after: a call of this use ends at at
	add := func(to int64) {
		if to > at && (!after || to-at > DeadAir.Milliseconds()) {
			rest = append(rest, span{at, to})
		}
	}
	for _, c := range calls {
		if c.to <= use.from || c.from > use.to {
			continue
		}
		add(c.from)
		if c.to > at {
			at, after = c.to, c.end > use.from
		}
	}
	add(use.to)
	if use.from == use.to && at == use.from {
		rest = append(rest, use) // how long it was is not known
	}
	return rest
}
