package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"aftercall/internal/evidence"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

const (
	// Period is how much time is compared at once, so that only its calls are in memory.
	Period = time.Hour
	// Settle is how long ago a room must have been left to be compared: Tencent repeats
	// the webhooks of a room for a minute, and has the record of a call five seconds after
	// its end. D:39558, D:68930
	Settle = 2 * time.Minute
	// Reach is how far back can be compared: that far, Tencent lists records. D:68931
	Reach = sweep.Reach
)

// Rooms says which rooms were in use; *evidence.Store is one.
type Rooms interface {
	RoomsInUse(ctx context.Context, app tencent.SDKAppID, from, to time.Time) ([]evidence.RoomUse, error)
	// Started returns the events of the callbacks about the start of calls.
	Started(ctx context.Context, app tencent.SDKAppID, from, to time.Time) ([]evidence.Event, error)
}

// Ledger has the records of calls that are in it; *ledger.Ledger is one.
type Ledger interface {
	// Records reads the records of calls that ended between from, inclusive, and to,
	// exclusive.
	Records(ctx context.Context, app tencent.SDKAppID, from, to time.Time) iter.Seq2[tencent.CallRecord, error]
}

// Audit compares the rooms of an app with its calls.
type Audit struct {
	App     tencent.SDKAppID
	Rooms   Rooms
	Ledger  Ledger
	Records sweep.Lister
	// Sweep says how to list the records of the app.
	Sweep sweep.Settings
	Now   time.Time
	// Progress, if it is not nil, is called now and then.
	Progress func()
}

// Result is what an Audit has found.
type Result struct {
	// Uses is how often a room was in use, Seconds for how long together.
	Uses    int   `json:"uses"`
	Seconds int64 `json:"seconds"`
	// Unexplained are the times that no call explains, in order, and UnexplainedSeconds
	// their length.
	Unexplained        []Span `json:"unexplained"`
	UnexplainedSeconds int64  `json:"unexplained_seconds"`
}

// RecordsError means that Tencent did not list all records that might explain a room.
// What the ledger and the others do not explain is then called unexplained.
type RecordsError struct {
	error
	// Final means that Tencent has answered, and another attempt would list no more.
	Final bool
}

// Unwrap returns the error of Tencent's API.
func (e *RecordsError) Unwrap() error { return e.error }

// RoomsError means that the store of the evidence did not answer.
type RoomsError struct{ error }

// Unwrap returns the error of the store.
func (e *RoomsError) Unwrap() error { return e.error }

// Run compares the rooms that everybody had left between from, inclusive, and to,
// exclusive. Tencent is asked only where the ledger does not explain a room. The result
// is complete as far as the ledger says, if the error is a *RecordsError.
func (a Audit) Run(ctx context.Context, from, to time.Time) (Result, error) {
	r := run{Audit: a, known: map[string]bool{}}
	for from := from; from.Before(to); from = from.Add(Period) {
		if err := r.period(ctx, from, earlier(from.Add(Period), to)); err != nil {
			return r.result, err
		}
	}
	listErr := r.withRecords(ctx)
	slices.SortStableFunc(r.rest, func(x, y Span) int { return x.From.Compare(y.From) })
	if err := r.nameAll(ctx); err != nil {
		return r.result, err
	}
	for _, s := range r.rest {
		r.result.UnexplainedSeconds += s.Seconds
	}
	r.result.Unexplained = append([]Span{}, r.rest...)
	return r.result, listErr
}

// run is an Audit that runs.
type run struct {
	Audit
	result Result
	// rest is what nothing explains so far.
	rest []Span
	// booked are the records of the ledger, of the rooms of rest and at their time.
	booked []tencent.CallRecord
	// known are the calls that have a record, of the rooms of rest.
	known map[string]bool
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// period finds what the ledger does not explain of a period, and counts its uses.
func (r *run) period(ctx context.Context, from, to time.Time) error {
	r.progress()
	uses, err := r.Rooms.RoomsInUse(ctx, r.App, from, to)
	switch {
	case err != nil:
		return &RoomsError{err}
	case len(uses) == 0:
		return nil
	}
	rooms := roomSet{}
	begin := from
	for _, u := range uses {
		rooms[Room{u.RoomID, u.RoomIDType}] = true
		begin = earlier(begin, u.From)
		r.result.Uses++
		r.result.Seconds += int64(u.To.Sub(u.From) / time.Second)
	}
	var records []tencent.CallRecord
	for record, err := range r.Ledger.Records(ctx, r.App, begin.Add(-evidence.AroundCall), to.Add(evidence.AroundCall)) {
		if err != nil {
			return err
		}
		r.progress()
		if rooms.has(record) {
			records = append(records, record)
		}
	}
	rest := Unexplained(uses, records)
	of := roomsOf(rest)
	r.booked = append(r.booked, slices.DeleteFunc(records, func(record tencent.CallRecord) bool { return !of.has(record) })...)
	r.rest = append(r.rest, rest...)
	return nil
}

// possibleRooms are the rooms in which the call of a record can have been. A call that was
// charged without a record may have no type of its room.
func possibleRooms(r tencent.CallRecord) []Room {
	if r.RoomIDType == 0 {
		return []Room{{r.RoomID, 1}, {r.RoomID, 2}}
	}
	return []Room{{r.RoomID, r.RoomIDType}}
}

type roomSet map[Room]bool

// has reports whether the call of a record can have been in one of the rooms.
func (s roomSet) has(r tencent.CallRecord) bool {
	return slices.ContainsFunc(possibleRooms(r), func(room Room) bool { return s[room] })
}

func roomsOf(spans []Span) roomSet {
	rooms := make(roomSet, len(spans))
	for _, s := range spans {
		rooms[s.Room] = true
	}
	return rooms
}

func (a Audit) progress() {
	if a.Progress != nil {
		a.Progress()
	}
}

// withRecords finds what is left of the uses when Tencent's records explain them, too. A
// window that is not listed completely keeps no other from being listed.
func (r *run) withRecords(ctx context.Context) (err error) {
	rooms := roomsOf(r.rest)
	records := r.booked
	for _, w := range r.windows(r.rest) {
		listed, unlisted, listErr := r.list(ctx, w)
		for _, record := range listed {
			if rooms.has(record) {
				records = append(records, record)
			}
		}
		if listErr != nil { // what can be tried again decides, rather than what nobody can list
			err = &RecordsError{fmt.Errorf("list Tencent's records: %w", listErr), false}
			break
		}
		if unlisted != nil {
			err = &RecordsError{fmt.Errorf("list Tencent's records: %w", unlisted), true}
		}
	}
	for _, record := range records {
		r.known[record.CallID] = true
	}
	var uses []evidence.RoomUse
	for i, s := range r.rest {
		if i == 0 || r.rest[i-1].use != s.use { // what is left of a use comes together
			uses = append(uses, *s.use)
		}
	}
	r.rest = Unexplained(uses, records)
	return err
}

// windows are those to list. Whether a listing selects calls by their start or by their
// end is not documented. By their end, a call of a room ended before the room was empty;
// by their start, it began at most the overlap before the use, or it is not found.
func (a Audit) windows(rest []Span) []sweep.Window {
	var merged []sweep.Window
	for _, s := range slices.SortedFunc(slices.Values(rest), func(x, y Span) int { return x.From.Compare(y.From) }) {
		w := sweep.Window{From: s.From.Add(-a.Sweep.Overlap), To: s.use.EmptyAt.Add(evidence.AroundCall)}
		if last := len(merged) - 1; last >= 0 && !w.From.After(merged[last].To) {
			if w.To.After(merged[last].To) {
				merged[last].To = w.To
			}
			continue
		}
		merged = append(merged, w)
	}
	var all []sweep.Window
	for _, w := range merged {
		w.From, w.To = w.From.Truncate(time.Second), w.To.Truncate(time.Second).Add(time.Second)
		all = append(all, sweep.BackfillWindows(w, a.Now, a.Sweep)...)
	}
	return all
}

// list lists the records of a window, whose calls may be too many for one listing. unlisted
// says that there are others, which Tencent does not list or nobody can read.
func (a Audit) list(ctx context.Context, w sweep.Window) (records []tencent.CallRecord, unlisted, failed error) {
	for windows := []sweep.Window{w}; len(windows) > 0; {
		next := windows[0]
		windows = windows[1:]
		listing, err := sweep.List(ctx, a.Records, next, a.progress)
		if halves, ok := next.Halves(); ok && errors.Is(err, sweep.ErrWindowTooLarge) {
			windows = append(halves, windows...)
			continue
		}
		if err != nil {
			return records, unlisted, err
		}
		records = append(records, listing.Records()...)
		switch missing := listing.Missing(); {
		case listing.Unread != nil:
			unlisted = listing.Unread
		case missing > 0 && unlisted == nil:
			unlisted = fmt.Errorf("%d records from %s to %s are counted, but not listed", missing, next.From.UTC().Format(time.RFC3339), next.To.UTC().Format(time.RFC3339))
		}
	}
	return records, unlisted, nil
}

// nameAll finds the calls of the spans, which are in order, a period at a time.
func (r *run) nameAll(ctx context.Context) error {
	for rest := r.rest; len(rest) > 0; {
		n, until := 0, rest[0].From.Add(Period)
		var to time.Time
		for ; n < len(rest) && rest[n].From.Before(until); n++ {
			if rest[n].To.After(to) {
				to = rest[n].To
			}
		}
		r.progress()
		started, err := r.Rooms.Started(ctx, r.App, rest[0].From.Add(-evidence.AroundCall), to.Add(Tolerance))
		if err != nil {
			return &RoomsError{err}
		}
		of := map[Room][]evidence.Event{}
		for _, e := range started {
			if !r.known[e.CallID] {
				room := Room{e.RoomID, e.RoomIDType}
				of[room] = append(of[room], e)
			}
		}
		for i := range rest[:n] {
			rest[i].CallID = nameOf(rest[i], of[rest[i].Room])
		}
		rest = rest[n:]
	}
	return nil
}

// nameOf finds the call of a span among those of its room that have no record, in the
// order of their starts: the last one that was started before the span began, or else the
// first one that was started while it lasted. So a redial does not give its name to the
// call before.
func nameOf(s Span, started []evidence.Event) (callID string) {
	begun := earlier(s.From.Add(Tolerance), s.To)
	for _, e := range started {
		possible := !e.At.Before(s.From.Add(-evidence.AroundCall)) && e.At.Before(s.To.Add(Tolerance))
		if possible && (callID == "" || !e.At.After(begun)) {
			callID = e.CallID
		}
	}
	return callID
}
