package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// maxStay is how long a member is in a room at most: one who was not seen to leave is
// gone then.
const maxStay = 24 * time.Hour

// RoomUse is a time in which a room had two members or more at once.
type RoomUse struct {
	RoomID     tencent.RoomID
	RoomIDType int
	From, To   time.Time
	// Members is the largest number of them at once.
	Members int
	// EmptyAt is when the last of all members left the room: a call of this use has
	// ended by then.
	EmptyAt time.Time
	// NeverLeft means that a member was not seen to leave, so that To is not certain. If
	// none was, To is From: how long the use was is not known at all.
	NeverLeft bool
}

// RoomsInUse lists, by the events of SourceRoom, when rooms of an app had two members or
// more at once: the uses of rooms whose last member left between from, inclusive, and
// to, exclusive, ordered by room and time. So each use is listed for one time only,
// after it has ended. A member who was not seen to leave, and did not enter again, counts
// as in the room for 24 hours, and only as long as somebody else was who was seen to leave.
// What happened more than 48 hours before from is not seen.
func (s *Store) RoomsInUse(ctx context.Context, app tencent.SDKAppID, from, to time.Time) ([]RoomUse, error) {
	// Whoever leaves then does so by an event, or 24 hours after entering. Events without a
	// call are those of rooms; to ask for the source, too, would make SQLite read all events
	// of two days for each room, and not those of the room. In Tencent's sample, the dismissal
	// of a digit room has its number as a string. D:39558
	rows, err := s.db.Read().QueryContext(ctx, "SELECT id, "+strings.Replace(eventColumns, "room_id_type", "left_type", 1)+` FROM (
  SELECT room_id AS left_id, room_id_type AS left_type FROM evidence_events WHERE sdk_app_id = $1 AND source = 'room' AND at >= $4 AND at < $3
  UNION
  SELECT room_id, room_id_type FROM evidence_events WHERE sdk_app_id = $1 AND source = 'room' AND at >= $5 AND at < $6
) AS rooms CROSS JOIN evidence_events
WHERE sdk_app_id = $1 AND call_id = '' AND room_id = left_id AND (room_id_type = left_type OR kind = 'closed') AND at >= $2 AND at < $3
ORDER BY room_id, left_type, at, id`,
		int64(app), from.Add(-2*maxStay).UnixMilli(), to.UnixMilli(), from.UnixMilli(), //nolint:gosec // real IDs are far smaller
		from.Add(-maxStay).UnixMilli(), to.Add(-maxStay).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
	}
	defer rows.Close()
	var uses []RoomUse
	var room []Event
	end := func() {
		for _, use := range usesOf(room) {
			if !use.EmptyAt.Before(from) && use.EmptyAt.Before(to) {
				uses = append(uses, use)
			}
		}
		room = room[:0]
	}
	for rows.Next() {
		e, err := scanOne(rows)
		if err != nil {
			return nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
		}
		if len(room) > 0 && (e.RoomID != room[0].RoomID || e.RoomIDType != room[0].RoomIDType) {
			end()
		}
		room = append(room, e)
	}
	end()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
	}
	return uses, nil
}

// usesOf are the uses of a room by its events, which are in order. Their order within
// one millisecond does not matter.
func usesOf(room []Event) []RoomUse {
	o := occupancy{in: map[string]time.Time{}}
	for i := 0; i < len(room); {
		n := i + 1
		for n < len(room) && room[n].At.Equal(room[i].At) {
			n++
		}
		o.moment(room[i].At, room[i:n])
		i = n
	}
	for user := range o.in {
		o.leave(user, o.in[user].Add(maxStay), false)
	}
	if len(room) == 0 {
		return nil
	}
	return o.uses(room[0].RoomID, room[0].RoomIDType)
}

// stay is the time from which to which a member was in a room. seen means that the
// leaving was seen.
type stay struct {
	from, to time.Time
	seen     bool
}

// occupancy follows the members of one room.
type occupancy struct {
	in    map[string]time.Time // the members, and when each entered
	stays []stay
}

// moment takes all events of one time. Somebody who enters and leaves in it stays what
// he was: which was first is unknown.
func (o *occupancy) moment(at time.Time, events []Event) {
	entered, left, closed := map[string]bool{}, map[string]bool{}, false
	for _, e := range events {
		switch e.Kind {
		case KindJoined:
			entered[e.User] = true
		case KindLeft, KindDropped:
			left[e.User] = true
		case KindClosed:
			closed = true
		case KindCalled, KindInvited, KindUninvited, KindDeclined, KindOpened: // nobody enters or leaves
		}
	}
	for user := range o.in {
		if closed || left[user] && !entered[user] {
			o.leave(user, at, true)
		}
	}
	for user := range entered {
		if !left[user] {
			// To enter twice without leaving means that the leaving was not seen.
			if _, again := o.in[user]; again {
				o.leave(user, at, false)
			}
			o.in[user] = at
		}
	}
}

func (o *occupancy) leave(user string, at time.Time, seen bool) {
	s := stay{o.in[user], at, seen}
	delete(o.in, user)
	if gone := s.from.Add(maxStay); s.to.After(gone) {
		s.to, s.seen = gone, false
	}
	if s.from.Before(s.to) {
		o.stays = append(o.stays, s)
	}
}

// change is a moment in which a member enters or leaves.
type change struct {
	at              time.Time
	members, proven int // by how many, and how many whose leaving was seen
}

// uses are those by all stays.
func (o *occupancy) uses(room tencent.RoomID, roomType int) []RoomUse {
	changes := make([]change, 0, 2*len(o.stays))
	for _, s := range o.stays {
		proven := 0
		if s.seen {
			proven = 1
		}
		changes = append(changes, change{s.from, 1, proven}, change{s.to, -1, -proven})
	}
	slices.SortFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	var all []RoomUse
	var use *RoomUse                    // that goes on
	emptied, members, proven := 0, 0, 0 // the first emptied of all have their EmptyAt
	for i := 0; i < len(changes); {
		at, before := changes[i].at, members
		for ; i < len(changes) && changes[i].at.Equal(at); i++ {
			members, proven = members+changes[i].members, proven+changes[i].proven
		}
		now := RoomUse{RoomID: room, RoomIDType: roomType, From: at, To: at, Members: members, NeverLeft: proven < members}
		switch {
		case members >= 2 && proven >= 1 && use == nil:
			use = &now
		case members >= 2 && proven >= 1:
			use.Members, use.NeverLeft = max(use.Members, members), use.NeverLeft || now.NeverLeft
		case use != nil:
			use.To = at
			all, use = append(all, *use), nil
		case members >= 2 && before < 2:
			all = append(all, now)
		}
		if members == 0 {
			for ; emptied < len(all); emptied++ {
				all[emptied].EmptyAt = at
			}
		}
	}
	return all
}
