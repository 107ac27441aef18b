package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"aftercall/internal/tencent"
)

// Call is what the events of a call are found by.
type Call struct {
	SDKAppID tencent.SDKAppID
	// CallID finds the events of SourceCallback; none if it is empty.
	CallID string
	// RoomID and RoomIDType, as in the call record, find those of SourceRoom between
	// From, inclusive, and To, exclusive; none if RoomID is empty.
	RoomID     tencent.RoomID
	RoomIDType int
	From, To   time.Time
	// Others also finds the starts of other calls in the room then.
	Others bool
}

// AroundCall is how long before and after a call events of its room are its own: clocks
// differ, and a member who was dropped is removed later.
const AroundCall = 5 * time.Minute

// CallOf is the Call of a record.
func CallOf(app tencent.SDKAppID, r tencent.CallRecord) Call {
	return Call{
		SDKAppID: app, CallID: r.CallID, RoomID: r.RoomID, RoomIDType: r.RoomIDType,
		From: time.Unix(r.StartTime, 0).Add(-AroundCall), To: r.EndedAt().Add(AroundCall),
	}
}

const selectEvents = "SELECT id, " + eventColumns + " FROM evidence_events "

// OfCall returns the events of a call in the order in which they happened.
func (s *Store) OfCall(ctx context.Context, c Call) ([]Event, error) {
	var events []Event
	if c.CallID != "" {
		ofCall, err := scan(s.db.Read().QueryContext(ctx, selectEvents+"WHERE sdk_app_id = $1 AND call_id = $2", int64(c.SDKAppID), c.CallID)) //nolint:gosec // real IDs are far smaller
		if err != nil {
			return nil, fmt.Errorf("evidence: read the events of a call: %w", err)
		}
		events = ofCall
	}
	if c.RoomID != "" {
		ofRoom, err := scan(s.db.Read().QueryContext(ctx,
			selectEvents+"WHERE sdk_app_id = $1 AND call_id = '' AND room_id = $2 AND room_id_type = $3 AND at >= $4 AND at < $5",
			int64(c.SDKAppID), string(c.RoomID), c.RoomIDType, c.From.UnixMilli(), c.To.UnixMilli())) //nolint:gosec // real IDs are far smaller
		if err != nil {
			return nil, fmt.Errorf("evidence: read the events of a room: %w", err)
		}
		events = append(events, ofRoom...)
	}
	if c.RoomID != "" && c.Others {
		others, err := scan(s.db.Read().QueryContext(ctx,
			selectEvents+`WHERE sdk_app_id = $1 AND source = 'callback' AND kind = 'called' AND at >= $2 AND at < $3
AND room_id = $4 AND room_id_type = $5 AND call_id <> $6`,
			int64(c.SDKAppID), c.From.UnixMilli(), c.To.UnixMilli(), string(c.RoomID), c.RoomIDType, c.CallID)) //nolint:gosec // real IDs are far smaller
		if err != nil {
			return nil, fmt.Errorf("evidence: read the other calls of a room: %w", err)
		}
		events = append(events, others...)
	}
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source), compareKeys(a.key(), b.key()))
	})
	return events, nil
}

// Started returns the events of KindCalled between from, inclusive, and to, exclusive, in
// the order in which they happened. They say which call was in which room.
func (s *Store) Started(ctx context.Context, app tencent.SDKAppID, from, to time.Time) ([]Event, error) {
	events, err := scan(s.db.Read().QueryContext(ctx,
		selectEvents+"WHERE sdk_app_id = $1 AND source = 'callback' AND kind = 'called' AND at >= $2 AND at < $3 ORDER BY at, id",
		int64(app), from.UnixMilli(), to.UnixMilli())) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return nil, fmt.Errorf("evidence: read the calls that were started: %w", err)
	}
	return events, nil
}

// LastEvent is when the newest event of an app came by a source.
type LastEvent struct {
	SDKAppID tencent.SDKAppID
	Source   Source
	At       time.Time
}

// Last returns the newest event of an app from each source, none from a source without
// events.
func (s *Store) Last(ctx context.Context, app tencent.SDKAppID) ([]LastEvent, error) {
	var all []LastEvent
	for _, source := range Sources {
		var at *int64
		err := s.db.Read().QueryRowContext(ctx, "SELECT MAX(at) FROM evidence_events WHERE sdk_app_id = $1 AND source = $2",
			int64(app), string(source)).Scan(&at) //nolint:gosec // real IDs are far smaller
		if err != nil {
			return nil, fmt.Errorf("evidence: read the last event: %w", err)
		}
		if at != nil {
			all = append(all, LastEvent{app, source, time.UnixMilli(*at).UTC()})
		}
	}
	return all, nil
}

// maxStay is how long before a window a member who is in a room then can have entered.
const maxStay = 24 * time.Hour

// RoomUse is a time in which a room had two members or more at once.
type RoomUse struct {
	RoomID     tencent.RoomID
	RoomIDType int
	From, To   time.Time
	// Members is the largest number of them at once.
	Members int
	// Open means that two of them were never seen to leave: To is the last event of the
	// room.
	Open bool
}

// RoomsInUse lists when rooms of an app had two members or more at once between from and
// to, by the events of SourceRoom, ordered by room and time. A member who entered
// more than 24 hours before from is not seen.
func (s *Store) RoomsInUse(ctx context.Context, app tencent.SDKAppID, from, to time.Time) ([]RoomUse, error) {
	rows, err := s.db.Read().QueryContext(ctx, selectEvents+`WHERE sdk_app_id = $1 AND source = 'room' AND at >= $2 AND at < $3
ORDER BY room_id, room_id_type, at, id`, int64(app), from.Add(-maxStay).UnixMilli(), to.UnixMilli()) //nolint:gosec // real IDs are far smaller
	if err != nil {
		return nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
	}
	defer rows.Close()
	var uses []RoomUse
	room := &occupancy{}
	end := func() { uses = append(uses, clipped(room.end(), from, to)...) }
	for rows.Next() {
		e, err := scanOne(rows)
		if err != nil {
			return nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
		}
		if e.RoomID != room.id || e.RoomIDType != room.idType {
			end()
			room = &occupancy{id: e.RoomID, idType: e.RoomIDType, members: map[string]bool{}}
		}
		room.add(e)
	}
	end()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
	}
	return uses, nil
}

// clipped are the parts of the uses between from and to.
func clipped(uses []RoomUse, from, to time.Time) []RoomUse {
	var inside []RoomUse
	for _, u := range uses {
		if u.From.Before(from) {
			u.From = from
		}
		if u.To.After(to) {
			u.To = to
		}
		if u.From.Before(u.To) {
			inside = append(inside, u)
		}
	}
	return inside
}

// occupancy follows the members of one room.
type occupancy struct {
	id      tencent.RoomID
	idType  int
	members map[string]bool
	last    time.Time
	use     *RoomUse // that goes on
	uses    []RoomUse
}

// add takes the next event.
func (o *occupancy) add(e Event) {
	o.last = e.At
	switch e.Kind {
	case KindJoined:
		o.members[e.User] = true
	case KindLeft, KindDropped:
		delete(o.members, e.User)
	case KindClosed:
		clear(o.members)
	case KindCalled, KindInvited, KindUninvited, KindDeclined, KindOpened: // nobody enters or leaves
	}
	switch n := len(o.members); {
	case n >= 2 && o.use == nil:
		o.use = &RoomUse{RoomID: o.id, RoomIDType: o.idType, From: e.At, Members: n}
	case n >= 2:
		o.use.Members = max(o.use.Members, n)
	case o.use != nil:
		o.finish(false)
	}
}

func (o *occupancy) finish(open bool) {
	o.use.To, o.use.Open = o.last, open
	o.uses = append(o.uses, *o.use)
	o.use = nil
}

// end returns all uses of the room.
func (o *occupancy) end() []RoomUse {
	if o.use != nil {
		o.finish(true)
	}
	return o.uses
}
