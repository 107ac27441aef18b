package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aftercall/internal/audit"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

// RoomAudit is when rooms of an app were in use, by two members or more at once, without
// a record of a call.
type RoomAudit struct {
	App      string           `json:"app"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	From     time.Time        `json:"from"`
	To       time.Time        `json:"to"`
	audit.Result
}

// unlistedCure is what can be done about records that Tencent has, but does not list.
const unlistedCure = "a room may be explained by such a record: look for its call in Tencent's console"

// AuditRooms compares the rooms that everybody had left in a time range with the ledger
// and with Tencent's records, for one app or all apps whose rooms are received. Rooms
// without a record come with an error of kind Refused; where Tencent does not list all its
// records, what the ledger does not explain comes with one of kind Incomplete.
func (d *Deps) AuditRooms(ctx context.Context, app string, r Range, zoneName string) ([]RoomAudit, error) {
	apps, err := d.roomApps(app)
	if err != nil {
		return nil, err
	}
	from, to, err := d.auditRange(ctx, r, zoneName)
	if err != nil {
		return nil, err
	}
	var all []RoomAudit
	var incomplete error
	unexplained, final := 0, true
	for _, app := range apps {
		found, err := d.auditRooms(ctx, app, from, to)
		var unlisted *audit.RecordsError
		if err != nil && !errors.As(err, &unlisted) {
			return all, err
		}
		all = append(all, found)
		unexplained += len(found.Unexplained)
		if err != nil {
			incomplete = errors.Join(incomplete, fmt.Errorf("%s: %w", app.Name, err))
			final = final && unlisted.Final
		}
	}
	switch {
	case incomplete != nil && final:
		return all, Errorf(Incomplete, unlistedCure, "%w", incomplete)
	case incomplete != nil:
		return all, Errorf(Incomplete, "the ledger alone was compared; run it again once aftercall check finds that the record API answers", "%w", incomplete)
	case unexplained > 0:
		return all, Errorf(Refused, "docs/operations.md, AftercallCallsWithoutRecord, says what to do", "%d uses of rooms have no record of a call", unexplained)
	}
	return all, nil
}

// roomApps are the apps whose rooms are received.
func (d *Deps) roomApps(name string) ([]*config.App, error) {
	apps, err := d.Apps(name)
	if err != nil {
		return nil, err
	}
	var received []*config.App
	for _, app := range apps {
		if app.Evidence.Rooms() {
			received = append(received, app)
		}
	}
	if len(received) == 0 {
		return nil, Errorf(Usage, "docs/evidence.md says how to turn it on", "webhooks of rooms are not received: evidence.room_key is not configured")
	}
	return received, nil
}

// auditRange reads a range, and checks it against what can be compared now.
func (d *Deps) auditRange(ctx context.Context, r Range, zoneName string) (from, to time.Time, err error) {
	zone, err := Zone(zoneName)
	if err != nil {
		return from, to, err
	}
	if from, to, err = r.Parse(zone); err != nil {
		return from, to, err
	}
	cfg, err := d.Config()
	if err != nil {
		return from, to, err
	}
	now := d.now(ctx)
	settled := now.Add(-audit.Settle)
	written := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch earliest := now.Add(-cfg.AuditReach()); {
	case from.Before(earliest):
		return from, to, Errorf(Usage, "begin after "+written(earliest), "%s: Tencent lists records for %s, and events are kept for %s (evidence.retention): %s is too long ago to be compared",
			r.FromFlag, audit.Reach, cfg.EvidenceRetention(), written(from))
	case !from.Before(settled):
		return from, to, Errorf(Usage, "", "%s: only rooms that everybody left before %s can be compared, because a record may still come", r.FromFlag, written(settled))
	case to.After(settled):
		d.note("rooms that somebody left after %s are not compared: a record may still come", written(settled))
		to = settled
	}
	return from.UTC(), to.UTC(), nil
}

func (d *Deps) auditRooms(ctx context.Context, app *config.App, from, to time.Time) (RoomAudit, error) {
	result := RoomAudit{App: app.Name, SDKAppID: app.SDKAppID, From: from, To: to}
	store, err := d.evidenceStore(ctx)
	if err != nil {
		return result, err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return result, err
	}
	records, err := d.Tencent(app)
	if err != nil {
		return result, err
	}
	result.Result, err = audit.Audit{
		App: app.SDKAppID, Rooms: store, Ledger: l, Records: waitingClient{records}, Sweep: app.Sweep.Settings(), Now: d.now(ctx),
	}.Run(ctx, from, to)
	if err != nil && !errors.As(err, new(*audit.RecordsError)) {
		err = Errorf(Failed, "are the databases of the ledger and of the evidence up?", "%w", err)
	}
	return result, err
}
