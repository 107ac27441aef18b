package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aftercall/internal/audit"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// Sources is how much of the connected time two independent sources saw.
type Sources struct {
	// ComparedSeconds are the connected seconds of calls of which both sources could have
	// been kept: their app receives callbacks about members and webhooks of rooms, and
	// they ended within evidence.retention.
	ComparedSeconds int64 `json:"compared_seconds"`
	// WitnessedSeconds are those of them in which each source saw two members or more.
	WitnessedSeconds int64 `json:"witnessed_seconds"`
}

// Share is in words how much of the compared time was witnessed.
func (s Sources) Share() string {
	if s.ComparedSeconds == 0 {
		return "–"
	}
	tenths := (2000*s.WitnessedSeconds/s.ComparedSeconds + 1) / 2
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

func (s *Sources) add(o Sources) {
	s.ComparedSeconds += o.ComparedSeconds
	s.WitnessedSeconds += o.WitnessedSeconds
}

// bothSources are the apps of which two sources are kept.
func bothSources(cfg *config.Config) map[tencent.SDKAppID]bool {
	both := map[tencent.SDKAppID]bool{}
	for _, app := range cfg.Apps {
		if app.Evidence.Members && app.Evidence.Rooms() {
			both[app.SDKAppID] = true
		}
	}
	return both
}

// witnesses compares calls with their events, in batches.
type witnesses struct {
	store *evidence.Store
	// found is called with what was found of each call.
	found func(ledger.Entry, Sources)
	batch map[tencent.SDKAppID][]ledger.Entry
}

// witnessBatch is how many calls of an app are compared at once.
const witnessBatch = 500

func (w *witnesses) add(ctx context.Context, e ledger.Entry) error {
	w.batch[e.SDKAppID] = append(w.batch[e.SDKAppID], e)
	if len(w.batch[e.SDKAppID]) < witnessBatch {
		return nil
	}
	return w.flush(ctx, e.SDKAppID)
}

func (w *witnesses) flush(ctx context.Context, app tencent.SDKAppID) error {
	entries := w.batch[app]
	delete(w.batch, app)
	calls := make([]evidence.Call, len(entries))
	for i, e := range entries {
		calls[i] = evidence.CallOf(app, e.Record)
	}
	events, err := w.store.OfCalls(ctx, app, calls)
	if err != nil {
		return err
	}
	for i, e := range entries {
		w.found(e, Sources{ComparedSeconds: max(e.Charge.ConnectedSeconds, 0), WitnessedSeconds: min(audit.Witnessed(e.Record, events[i]), max(e.Charge.ConnectedSeconds, 0))})
	}
	return nil
}

// witness calls found for each charge that counts, which the filter selects, and of which
// both sources are kept.
func (d *Deps) witness(ctx context.Context, f ledger.Filter, found func(ledger.Entry, Sources)) error {
	cfg, err := d.Config()
	if err != nil {
		return err
	}
	both := bothSources(cfg)
	if len(both) == 0 {
		return Errorf(Usage, "docs/evidence.md says how to turn them on", "no app keeps both sources of events: evidence.members and evidence.room_key")
	}
	store, err := d.evidenceStore(ctx)
	if err != nil {
		return err
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return err
	}
	if kept := d.now(ctx).Add(-cfg.EvidenceRetention()); f.From.Before(kept) {
		f.From = kept
	}
	if f.Kind != "" && f.Kind != ledger.KindCharge {
		return nil
	}
	f.Kind, f.Live = ledger.KindCharge, true
	w := &witnesses{store, found, map[tencent.SDKAppID][]ledger.Entry{}}
	for e, err := range l.List(ctx, f) {
		if err == nil && both[e.SDKAppID] {
			err = w.add(ctx, e)
		}
		if err != nil {
			return Errorf(Failed, "are the databases of the ledger and of the evidence up?", "%w", err)
		}
	}
	for app := range w.batch {
		if err := w.flush(ctx, app); err != nil {
			return Errorf(Failed, "is the database of the evidence up?", "%w", err)
		}
	}
	return nil
}

// Times is how often, in words.
func Times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// auditedTime is how much time probeRooms compares.
const auditedTime = 24 * time.Hour

// probeRooms compares the rooms of the last day with the calls that are known, and says
// which share of the connected time two sources saw.
func probeRooms(ctx context.Context, d *Deps, app *config.App) (string, error) {
	to := d.now(ctx).Add(-audit.Settle).Truncate(time.Second).UTC()
	from := to.Add(-auditedTime)
	found, err := d.auditRooms(ctx, app, from, to)
	var unlisted *audit.RecordsError
	switch {
	case errors.As(err, &unlisted) && unlisted.Final:
		return "", cannotTell(unlistedCure, "%w", err)
	case errors.As(err, &unlisted):
		err := tencentError(app, unlisted.Unwrap())
		return "", cannotTell(cureOf(err), "%w", err)
	case err != nil:
		return "", err
	}
	if found.Uses == 0 {
		return "none was in use in the last 24 hours", nil
	}
	detail := fmt.Sprintf("in use %s in 24 hours, for %d s", Times(found.Uses), found.Seconds)
	if app.Evidence.Members {
		var sources Sources
		if err := d.witness(ctx, ledger.Filter{SDKAppID: app.SDKAppID, From: from, To: to}, func(_ ledger.Entry, s Sources) { sources.add(s) }); err != nil {
			return "", err
		}
		if sources.ComparedSeconds > 0 {
			detail += fmt.Sprintf("; two sources saw %s of %d connected seconds", sources.Share(), sources.ComparedSeconds)
		}
	}
	if n := len(found.Unexplained); n > 0 {
		return "", warn(fmt.Sprintf("aftercall audit --app %s --from %s --to %s lists them", app.Name, from.Format(time.RFC3339), to.Format(time.RFC3339)),
			"%s; without a record %s, for %d s", detail, Times(n), found.UnexplainedSeconds)
	}
	return detail + "; each is explained by a record", nil
}
