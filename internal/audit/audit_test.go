package audit_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/audit"
	"aftercall/internal/evidence"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

const app = tencent.SDKAppID(1400000000)

// world is what an audit compares.
type world struct {
	uses                       []evidence.RoomUse
	started                    []evidence.Event
	booked, listed             []tencent.CallRecord
	roomsErr, bookErr, listErr error
	// unlisted is how many records a listing does not have that it counts.
	unlisted int
	// unread is until when no record can be read, and downFrom, unless it is 0, from when
	// the API is down.
	unread, downFrom int64
	// asked are the windows that were listed.
	asked []tencent.RecordFilter
}

func (w *world) RoomsInUse(_ context.Context, _ tencent.SDKAppID, from, to time.Time) ([]evidence.RoomUse, error) {
	var uses []evidence.RoomUse
	for _, u := range w.uses {
		if !u.EmptyAt.Before(from) && u.EmptyAt.Before(to) {
			uses = append(uses, u)
		}
	}
	return uses, w.roomsErr
}

func (w *world) Started(_ context.Context, _ tencent.SDKAppID, from, to time.Time) ([]evidence.Event, error) {
	var started []evidence.Event
	for _, e := range w.started {
		if !e.At.Before(from) && e.At.Before(to) {
			started = append(started, e)
		}
	}
	return started, nil
}

// ledgerOf is the ledger of a world.
type ledgerOf struct{ *world }

func (w ledgerOf) Records(_ context.Context, _ tencent.SDKAppID, from, to time.Time) iter.Seq2[tencent.CallRecord, error] {
	return func(yield func(tencent.CallRecord, error) bool) {
		for _, r := range w.booked {
			if !r.EndedAt().Before(from) && r.EndedAt().Before(to) && !yield(r, nil) {
				return
			}
		}
		if w.bookErr != nil {
			yield(tencent.CallRecord{}, w.bookErr)
		}
	}
}

var errDown = errors.New("down")

// apiOf is Tencent's API of a world.
type apiOf struct{ *world }

func (w apiOf) Records(_ context.Context, f tencent.RecordFilter) (page tencent.RecordPage, err error) {
	if w.asked = append(w.asked, f); w.listErr != nil {
		return page, w.listErr
	}
	if w.downFrom > 0 && f.StartTime >= w.downFrom {
		return page, errDown
	}
	if f.StartTime < w.unread {
		return page, &tencent.UnreadableAnswerError{}
	}
	page.TotalNum = w.unlisted
	for _, r := range w.listed {
		if r.EndTime >= f.StartTime && r.EndTime <= f.EndTime {
			page.TotalNum++
			if f.Page == 1 {
				page.Rows = append(page.Rows, tencent.RecordRow{Record: r})
			}
		}
	}
	return page, nil
}

func (w *world) run(from, to int64) (audit.Result, error) {
	return audit.Audit{
		App: app, Rooms: w, Ledger: ledgerOf{w}, Records: apiOf{w}, Now: at(24 * 3600),
		Sweep: sweep.Settings{Overlap: time.Hour, MaxWindow: 30 * time.Minute},
	}.Run(context.Background(), at(from), at(to))
}

func started(callID string, room tencent.RoomID, seconds int64) evidence.Event {
	return evidence.Event{SDKAppID: app, Source: evidence.SourceCallback, Kind: evidence.KindCalled, CallID: callID, RoomID: room, RoomIDType: 2, At: at(seconds)}
}

// TestTencentIsOnlyAskedIfNeeded: the ledger explains nearly all rooms.
func TestTencentIsOnlyAskedIfNeeded(t *testing.T) {
	w := &world{uses: []evidence.RoomUse{use(100, 200), use(7000, 7200)}, booked: []tencent.CallRecord{call(90, 200), call(7000, 7200)}}
	result, err := w.run(0, 3*3600)
	require.NoError(t, err)
	require.Equal(t, audit.Result{Uses: 2, Seconds: 300, Unexplained: []audit.Span{}}, result)
	require.Empty(t, w.asked)

	// One is not booked yet.
	w.booked, w.listed = w.booked[:1], w.booked[1:]
	result, err = w.run(0, 3*3600)
	require.NoError(t, err)
	require.Empty(t, result.Unexplained)
	require.NotEmpty(t, w.asked)
	for _, f := range w.asked {
		require.GreaterOrEqual(t, f.StartTime, noon.Unix()+7000-3600)
		require.LessOrEqual(t, f.EndTime, noon.Unix()+7200+301)
	}
}

// TestRoomsWithoutType: a call that was charged without a record, and restored from its
// history, has no type of its room. It explains its room all the same.
func TestRoomsWithoutType(t *testing.T) {
	restored := call(90, 200)
	restored.RoomIDType = 0
	w := &world{uses: []evidence.RoomUse{use(100, 200)}, booked: []tencent.CallRecord{restored}, listErr: errDown}
	result, err := w.run(0, 3600)
	require.NoError(t, err, "Tencent is not asked")
	require.Empty(t, result.Unexplained)

	// Its name is not given to another call in the room.
	w.uses[0] = use(100, 600)
	w.started = []evidence.Event{started(restored.CallID, "r", 90), started("other", "r", 300)}
	result, err = w.run(0, 3600)
	require.ErrorIs(t, err, errDown)
	require.Len(t, result.Unexplained, 1)
	require.Equal(t, "other", result.Unexplained[0].CallID)
}

// TestRange: a room is compared once, in the time in which it was left.
func TestRange(t *testing.T) {
	w := &world{uses: []evidence.RoomUse{use(100, 200), use(7000, 7200)}}
	for _, c := range []struct {
		from, to, seconds int64
	}{{0, 200, 0}, {0, 201, 100}, {200, 7200, 100}, {200, 7201, 300}, {201, 7201, 200}, {7201, 9000, 0}} {
		result, err := w.run(c.from, c.to)
		require.NoError(t, err)
		require.Equal(t, c.seconds, result.UnexplainedSeconds, c)
		require.Equal(t, c.seconds, result.Seconds, c)
	}
}

// TestDeadAirBeforeTheNextCall: what explains the time between two calls of a use is in the
// ledger, and the next call only listed by Tencent.
func TestDeadAirBeforeTheNextCall(t *testing.T) {
	first, next := call(0, 100), call(120, 495)
	for name, w := range map[string]*world{
		"both booked": {booked: []tencent.CallRecord{first, next}},
		"one booked":  {booked: []tencent.CallRecord{first}, listed: []tencent.CallRecord{first, next}},
		"none booked": {listed: []tencent.CallRecord{first, next}},
	} {
		w.uses = []evidence.RoomUse{use(0, 500)}
		result, err := w.run(0, 3600)
		require.NoError(t, err)
		require.Empty(t, result.Unexplained, name)
	}
}

// TestUnreadableRecords: what nobody can read keeps nothing else from being listed, and hides
// no outage.
func TestUnreadableRecords(t *testing.T) {
	w := &world{uses: []evidence.RoomUse{use(100, 200), use(20000, 20100)}, listed: []tencent.CallRecord{call(20000, 20100)}, unread: at(5000).Unix()}
	result, err := w.run(0, 6*3600)
	require.ErrorAs(t, err, new(*audit.RecordsError))
	require.ErrorAs(t, err, new(*tencent.UnreadableAnswerError))
	require.Equal(t, int64(100), result.UnexplainedSeconds)

	w.downFrom = at(5000).Unix()
	_, err = w.run(0, 6*3600)
	require.ErrorAs(t, err, new(*audit.RecordsError))
	require.ErrorIs(t, err, errDown)
	require.NotErrorAs(t, err, new(*tencent.UnreadableAnswerError))
}

// TestUnlistedRecords: Tencent counts a record that it does not list. It may be that of the
// room.
func TestUnlistedRecords(t *testing.T) {
	w := &world{uses: []evidence.RoomUse{use(100, 200)}, listed: []tencent.CallRecord{call(0, 20)}, unlisted: 1}
	result, err := w.run(0, 3600)
	var unlisted *audit.RecordsError
	require.ErrorAs(t, err, &unlisted)
	require.True(t, unlisted.Final)
	require.Regexp(t, "1 records from 2026-03-01T.*Z to 2026-03-01T.*Z are counted, but not listed", err.Error())
	require.Equal(t, int64(100), result.UnexplainedSeconds)

	w.listed = []tencent.CallRecord{call(90, 200)}
	w.unlisted, w.listErr = 0, errDown
	_, err = w.run(0, 3600)
	require.ErrorAs(t, err, &unlisted)
	require.False(t, unlisted.Final)
}

// TestNames: the callback about its start says which call it was.
func TestNames(t *testing.T) {
	other := use(100, 200)
	other.RoomID = "other"
	for name, c := range map[string]struct {
		started []evidence.Event
		records []tencent.CallRecord
		want    string
	}{
		"nothing says it":          {nil, nil, ""},
		"the callback":             {[]evidence.Event{started("lost", "r", 92), started("lost", "r", 92), started("x", "R", 92)}, nil, "lost"},
		"too long before":          {[]evidence.Event{started("lost", "r", 100-301)}, nil, ""},
		"afterwards":               {[]evidence.Event{started("lost", "r", 206)}, nil, ""},
		"redialed at once":         {[]evidence.Event{started("lost", "r", 92), started("next", "r", 203)}, nil, "lost"},
		"a room that was in use":   {[]evidence.Event{started("lost", "r", 150), started("next", "r", 180)}, nil, "lost"},
		"the call before has one":  {[]evidence.Event{started("call-0", "r", 0)}, []tencent.CallRecord{call(0, 90)}, ""},
		"the last without one":     {[]evidence.Event{started("lost", "r", 50), started("call-90", "r", 90)}, []tencent.CallRecord{call(90, 94)}, "lost"},
		"other rooms are as ever":  {[]evidence.Event{started("lost", "other", 92)}, nil, ""},
		"of two, that of the room": {[]evidence.Event{started("lost", "other", 92), started("mine", "r", 92)}, nil, "mine"},
	} {
		for _, booked := range []bool{true, false} {
			w := &world{uses: []evidence.RoomUse{use(100, 200)}, started: c.started}
			if booked {
				w.booked = c.records
			} else {
				w.listed = c.records
			}
			result, err := w.run(0, 3600)
			require.NoError(t, err)
			require.Len(t, result.Unexplained, 1, name)
			require.Equal(t, c.want, result.Unexplained[0].CallID, name)
		}
	}
}

func TestOutages(t *testing.T) {
	w := &world{uses: []evidence.RoomUse{use(100, 200)}, roomsErr: errDown}
	_, err := w.run(0, 3600)
	require.ErrorIs(t, err, errDown)
	w.roomsErr, w.bookErr = nil, errDown
	_, err = w.run(0, 3600)
	require.ErrorIs(t, err, errDown)
	w.bookErr, w.listErr = nil, errDown
	result, err := w.run(0, 3600)
	require.ErrorIs(t, err, errDown)
	require.ErrorAs(t, err, new(*audit.RecordsError))
	require.Equal(t, int64(100), result.UnexplainedSeconds, "as far as the ledger says")
}
