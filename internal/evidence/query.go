package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// Call is what the events of a call are found by.
type Call struct {
	SDKAppID tencent.SDKAppID
	// CallID finds the events of SourceCallback; none if it is empty.
	CallID string
	// RoomID and RoomIDType, as in the call record, find those of SourceRoom between
	// From, inclusive, and To, exclusive; none if RoomID is empty, and those of both types
	// of rooms if RoomIDType is 0.
	RoomID     tencent.RoomID
	RoomIDType int
	From, To   time.Time
	// Others also finds the starts of other calls in the room then.
	Others bool
	// Limit, if it is set, is how many events there can be: of more, none is returned.
	Limit int
}

// ErrTooMany means that there are more events than the limit of a Call.
var ErrTooMany = errors.New("evidence: there are more events of the call than can be read")

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

// OfCall returns the events of a call in the order in which they happened, or ErrTooMany.
func (s *Store) OfCall(ctx context.Context, c Call) ([]Event, error) {
	var events []Event
	add := func(what, where string, args ...any) error {
		if c.Limit > 0 {
			args = append(args, c.Limit+1-len(events))
			where += " LIMIT $" + strconv.Itoa(len(args))
		}
		found, err := scan(s.db.Read().QueryContext(ctx, selectEvents+where, args...))
		if err != nil {
			return fmt.Errorf("evidence: read %s: %w", what, err)
		}
		if events = append(events, found...); c.Limit > 0 && len(events) > c.Limit {
			return ErrTooMany
		}
		return nil
	}
	app, from, to := int64(c.SDKAppID), c.From.UnixMilli(), c.To.UnixMilli() //nolint:gosec // real IDs are far smaller
	ofType := "="
	if c.RoomIDType == 0 { // of no event of a room
		ofType = ">="
	}
	if c.CallID != "" {
		if err := add("the events of a call", "WHERE sdk_app_id = $1 AND call_id = $2", app, c.CallID); err != nil {
			return nil, err
		}
	}
	if c.RoomID != "" {
		if err := add("the events of a room", "WHERE sdk_app_id = $1 AND call_id = '' AND room_id = $2 AND room_id_type "+ofType+" $3 AND at >= $4 AND at < $5",
			app, string(c.RoomID), c.RoomIDType, from, to); err != nil {
			return nil, err
		}
	}
	if c.RoomID != "" && c.Others {
		if err := add("the other calls of a room", `WHERE sdk_app_id = $1 AND source = 'callback' AND kind = 'called' AND at >= $2 AND at < $3
AND room_id = $4 AND room_id_type `+ofType+` $5 AND call_id <> $6`, app, from, to, string(c.RoomID), c.RoomIDType, c.CallID); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(events, inOrder)
	return events, nil
}

// inOrder compares events by when they happened.
func inOrder(a, b Event) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source), compareKeys(a.key(), b.key()))
}

// callsAtOnce is how many calls one query asks for.
const callsAtOnce = 200

// OfCalls returns for each of several calls of one app what OfCall returns without Others,
// with few queries where they were at about the same time.
func (s *Store) OfCalls(ctx context.Context, app tencent.SDKAppID, calls []Call) ([][]Event, error) {
	all := make([][]Event, 0, len(calls))
	for chunk := range slices.Chunk(calls, callsAtOnce) {
		byCall, byRoom, err := s.ofChunk(ctx, app, chunk)
		if err != nil {
			return nil, err
		}
		for _, c := range chunk {
			events := slices.Clone(byCall[c.CallID])
			for _, e := range byRoom[c.RoomID] {
				if (c.RoomIDType == 0 || e.RoomIDType == c.RoomIDType) && e.At.UnixMilli() >= c.From.UnixMilli() && e.At.UnixMilli() < c.To.UnixMilli() {
					events = append(events, e)
				}
			}
			slices.SortFunc(events, inOrder)
			all = append(all, events)
		}
	}
	return all, nil
}

// ofChunk reads the events of the calls by CallId, and those of their rooms in the time of
// all of them by RoomId.
func (s *Store) ofChunk(ctx context.Context, app tencent.SDKAppID, calls []Call) (byCall map[string][]Event, byRoom map[tencent.RoomID][]Event, err error) {
	var from, to int64                                           // of those with a room
	ids, rooms := []any{int64(app)}, []any{int64(app), nil, nil} //nolint:gosec // real IDs are far smaller
	var idPlaces, roomPlaces []string
	for _, c := range calls {
		if c.CallID != "" {
			ids = append(ids, c.CallID)
			idPlaces = append(idPlaces, "$"+strconv.Itoa(len(ids)))
		}
		if c.RoomID != "" {
			rooms = append(rooms, string(c.RoomID))
			roomPlaces = append(roomPlaces, "$"+strconv.Itoa(len(rooms)))
			if from == 0 || c.From.UnixMilli() < from {
				from = c.From.UnixMilli()
			}
			to = max(to, c.To.UnixMilli())
		}
	}
	rooms[1], rooms[2] = from, to
	byCall, byRoom = map[string][]Event{}, map[tencent.RoomID][]Event{}
	if len(idPlaces) > 0 {
		events, err := scan(s.db.Read().QueryContext(ctx, selectEvents+"WHERE sdk_app_id = $1 AND call_id IN ("+strings.Join(idPlaces, ", ")+")", ids...))
		if err != nil {
			return nil, nil, fmt.Errorf("evidence: read the events of calls: %w", err)
		}
		for _, e := range events {
			byCall[e.CallID] = append(byCall[e.CallID], e)
		}
	}
	if len(roomPlaces) > 0 {
		events, err := scan(s.db.Read().QueryContext(ctx,
			selectEvents+"WHERE sdk_app_id = $1 AND call_id = '' AND at >= $2 AND at < $3 AND room_id IN ("+strings.Join(roomPlaces, ", ")+")", rooms...))
		if err != nil {
			return nil, nil, fmt.Errorf("evidence: read the events of rooms: %w", err)
		}
		for _, e := range events {
			byRoom[e.RoomID] = append(byRoom[e.RoomID], e)
		}
	}
	return byCall, byRoom, nil
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

// Last returns the newest event of an app before a time from each source, none from a
// source without one. So an event that a wrong clock put into the future hides nothing.
func (s *Store) Last(ctx context.Context, app tencent.SDKAppID, before time.Time) ([]LastEvent, error) {
	var all []LastEvent
	for _, source := range Sources {
		var at *int64
		err := s.db.Read().QueryRowContext(ctx, "SELECT MAX(at) FROM evidence_events WHERE sdk_app_id = $1 AND source = $2 AND at < $3",
			int64(app), string(source), before.UnixMilli()).Scan(&at) //nolint:gosec // real IDs are far smaller
		if err != nil {
			return nil, fmt.Errorf("evidence: read the last event: %w", err)
		}
		if at != nil {
			all = append(all, LastEvent{app, source, time.UnixMilli(*at).UTC()})
		}
	}
	return all, nil
}
