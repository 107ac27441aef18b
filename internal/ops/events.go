package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// Event is an event that says who was in a call.
type Event struct {
	ID         int64            `json:"id"`
	At         time.Time        `json:"at"`
	App        string           `json:"app"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	Source     evidence.Source  `json:"source"`
	CallID     string           `json:"call_id"`
	RoomID     tencent.RoomID   `json:"room_id"`
	RoomIDType int              `json:"room_id_type"`
	User       string           `json:"user"`
	Kind       evidence.Kind    `json:"kind"`
	// Detail is Tencent's own word or reason; it may be empty.
	Detail string `json:"detail"`
}

// EventQuery says which events to list: those of a call, or those of a room in a time.
type EventQuery struct {
	// App is a name or SDKAppID; empty means the only app.
	App    string
	CallID string
	// Room and RoomType, 1 or 2, are as in the call record.
	Room     string
	RoomType int
	// Range is when the events of Room happened, in UTC unless it says otherwise.
	Range Range
}

// longestCall is how long after its start a call may have events whose end the ledger
// does not know.
const longestCall = 24 * time.Hour

// Events lists events in the order in which they happened. Those of a call are its own
// and, if the ledger or the start of the call says which room it had, those of the room.
func (d *Deps) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	app, err := d.App(q.App)
	if err != nil {
		return nil, err
	}
	wanted := evidence.Call{SDKAppID: app.SDKAppID, CallID: q.CallID, RoomID: tencent.RoomID(q.Room), RoomIDType: q.RoomType}
	switch {
	case (q.CallID == "") == (q.Room == ""):
		return nil, Errorf(Usage, "", "give either --call or --room")
	case q.Room != "" && (q.Range.From == "" || q.Range.To == ""):
		return nil, Errorf(Usage, "", "--room needs --from and --to: rooms are used again")
	}
	if wanted.From, wanted.To, err = q.Range.Parse(time.UTC); err != nil {
		return nil, err
	}
	store, err := d.evidenceStore(ctx)
	if err != nil {
		return nil, err
	}
	if q.CallID != "" {
		if wanted, err = d.findRoom(ctx, store, wanted); err != nil {
			return nil, err
		}
	}
	found, err := eventsOf(ctx, store, wanted)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(found))
	for i, e := range found {
		events[i] = Event{
			ID: e.ID, At: e.At, App: app.Name, SDKAppID: e.SDKAppID, Source: e.Source, CallID: e.CallID, RoomID: e.RoomID, RoomIDType: e.RoomIDType,
			User: e.User, Kind: e.Kind, Detail: e.Detail,
		}
	}
	return events, nil
}

func eventsOf(ctx context.Context, store *evidence.Store, c evidence.Call) ([]evidence.Event, error) {
	events, err := ask(ctx, func(ctx context.Context) ([]evidence.Event, error) { return store.OfCall(ctx, c) })
	switch {
	case errors.Is(err, evidence.ErrTooMany):
		return nil, Errorf(Refused, "", "%w", err)
	case err != nil:
		return nil, Errorf(Failed, "is the database up?", "%w", err)
	}
	return events, nil
}

// findRoom finds the room and the time of a call, from the record in the ledger or, for
// a call that is not there, from what was seen.
func (d *Deps) findRoom(ctx context.Context, store *evidence.Store, c evidence.Call) (evidence.Call, error) {
	l, err := d.Ledger(ctx)
	if err != nil && !errors.Is(err, ledger.ErrMissing) {
		return c, err
	}
	if err == nil {
		entries, err := ask(ctx, func(ctx context.Context) ([]ledger.Entry, error) { return l.Get(ctx, c.SDKAppID, c.CallID) })
		if err != nil {
			return c, Errorf(Failed, "is the database up?", "%w", err)
		}
		if len(entries) > 0 {
			return evidence.CallOf(c.SDKAppID, entries[0].Record), nil
		}
	}
	return findStart(ctx, store, c)
}

// findStart finds the room and the time of a call from its start: until another call is
// started in its room, and for longestCall at most.
func findStart(ctx context.Context, store *evidence.Store, c evidence.Call) (evidence.Call, error) {
	own, err := eventsOf(ctx, store, c)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(own, func(e evidence.Event) bool { return e.Kind == evidence.KindCalled && e.RoomID != "" })
	if i < 0 {
		return c, nil
	}
	started := own[i]
	c.RoomID, c.RoomIDType = started.RoomID, started.RoomIDType
	c.From, c.To = started.At.Add(-evidence.AroundCall), started.At.Add(longestCall)
	c.Others = true
	found, err := eventsOf(ctx, store, c)
	if err != nil {
		return c, err
	}
	next := slices.IndexFunc(found, func(e evidence.Event) bool {
		return e.CallID != "" && e.CallID != c.CallID && e.At.After(started.At)
	})
	if next >= 0 {
		c.To = found[next].At
	}
	c.Others = false
	return c, nil
}

// evidenceStore opens the store of the evidence for reading.
func (d *Deps) evidenceStore(ctx context.Context) (*evidence.Store, error) {
	url, err := d.evidenceURL()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	store, err := evidence.OpenReadOnly(ctx, url.Reveal())
	switch {
	case errors.Is(err, evidence.ErrMissing):
		return nil, Errorf(NotFound, "a starter creates it, for an app with evidence; docs/evidence.md says how to turn it on", "%s: %w", url, err)
	case err != nil:
		return nil, Errorf(Failed, "is the database at evidence.url or LEDGER_URL up, and does it accept connections from this machine?", "evidence at %s: %w", url, err)
	}
	d.closeLater(store.Close)
	return store, nil
}

func (d *Deps) evidenceURL() (config.ConnectionURL, error) {
	cfg, err := d.Config()
	if err != nil {
		return config.ConnectionURL{}, err
	}
	return cfg.EvidenceURL(d.settings.LedgerURL), nil
}

// MigrateEvidence creates the tables of the evidence, or brings them up to date.
func (d *Deps) MigrateEvidence(ctx context.Context) error {
	url, err := d.evidenceURL()
	if err != nil {
		return err
	}
	store, err := evidence.Open(ctx, url.Reveal(), ledger.Options{})
	if err != nil {
		return Errorf(Failed, "is the database at evidence.url or LEDGER_URL up?", "evidence at %s: %w", url, err)
	}
	return store.Close()
}

// probeEvidence tries a write, which it takes back.
func probeEvidence(ctx context.Context, d *Deps) (string, error) {
	store, err := d.evidenceStore(ctx)
	if err != nil {
		return "", err
	}
	url, err := d.evidenceURL()
	if err != nil {
		return "", err
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, store.TryWrite(ctx) }); err != nil {
		problem, cure := ledger.Describe(err)
		if problem == "" {
			return "", Errorf(Failed, "look at the log of the database", "%s takes no write: %w", url, err)
		}
		return "", Errorf(Failed, strings.ReplaceAll(cure, "LEDGER_URL", "evidence.url or LEDGER_URL")+"; events are answered 503 until then", "%s takes no write: %s", url, problem)
	}
	found := fmt.Sprintf("%s, takes a write", url)
	if exposed := store.Exposed(); exposed != "" {
		return "", warn("add sslmode=verify-full to its URL, and sslrootcert=FILE if the server's CA is your own", "%s, but %s: others in the network could read and change it", found, exposed)
	}
	return found, nil
}

// quietTime is how long an app may have no event from a source, although calls ended.
const quietTime = 24 * time.Hour

// probeEvents says when the last event of an app came from each source.
func probeEvents(ctx context.Context, d *Deps, app *config.App) (string, error) {
	store, err := d.evidenceStore(ctx)
	if err != nil {
		return "", err
	}
	now := d.now(ctx)
	last, err := ask(ctx, func(ctx context.Context) ([]evidence.LastEvent, error) {
		return store.Last(ctx, app.SDKAppID, now.Add(time.Hour)) // clocks differ
	})
	if err != nil {
		return "", Errorf(Failed, "is the database up?", "%w", err)
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return "", err
	}
	ended, err := ask(ctx, func(ctx context.Context) (int, error) {
		return l.CallsEnded(ctx, app.SDKAppID, now.Add(-quietTime), now)
	})
	if err != nil {
		return "", d.ledgerRefuses(err)
	}
	return judgeEvents(app, last, ended, now)
}

// judgeEvents is what probeEvents finds at now. ended is how many calls ended within
// quietTime.
func judgeEvents(app *config.App, last []evidence.LastEvent, ended int, now time.Time) (string, error) {
	var lines, cures []string
	for source, expected := range map[evidence.Source]bool{
		evidence.SourceCallback: app.Evidence.Members, evidence.SourceRoom: app.Evidence.Rooms(),
	} {
		if !expected {
			continue
		}
		line, at := fmt.Sprintf("source %s: none yet", source), time.Time{}
		for _, e := range last {
			if e.Source == source {
				at, line = e.At, fmt.Sprintf("source %s: the last one at %s", source, e.At.Format(time.RFC3339))
			}
		}
		lines = append(lines, line)
		if ended > 0 && now.Sub(at) > quietTime {
			cures = append(cures, map[evidence.Source]string{
				evidence.SourceCallback: "register the commands with aftercall callback set",
				evidence.SourceRoom:     "set URL and key of the room events in the RTC console, and look at aftercall_room_webhooks_total",
			}[source])
		}
	}
	slices.Sort(lines)
	slices.Sort(cures)
	if len(cures) > 0 {
		return "", warn(strings.Join(cures, "; "), "%s; %d calls ended in the last 24 hours", strings.Join(lines, ", "), ended)
	}
	return strings.Join(lines, ", "), nil
}
