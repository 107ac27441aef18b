package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// SweepWindow lists a window and starts the calls that are not in the ledger and
// have no running workflow. A call or row that cannot be started for a reason of
// its own, or a second that cannot be listed whole, is held back, and delays no
// other. Errors: those of FetchRecord,
// LedgerUnavailable.
func (s *Sweeps) SweepWindow(ctx context.Context, p SweepWindowParams) (result SweepWindowResult, err error) {
	app, err := s.app(p.SDKAppID)
	if err != nil {
		return result, err
	}
	run := newWindowRun(ctx, s, app, p)
	listing, err := sweep.List(ctx, app.Records, p.Window, func() { activity.RecordHeartbeat(ctx, run.started) })
	if errors.Is(err, sweep.ErrWindowTooLarge) { // a window of one second never is
		halves, _ := p.Window.Halves()
		return SweepWindowResult{Split: halves}, nil
	}
	if err != nil {
		return result, defaultType(classify(err), RecordAPIUnavailable)
	}
	if err := run.handle(ctx, listing); err != nil {
		return result, defaultType(err, LedgerUnavailable)
	}
	if p.DryRun {
		return run.result, nil
	}
	run.count()
	if p.Advance && run.result.Counts.Failed == 0 {
		if err := s.ledger.SetSweptTo(ctx, app.ID, p.Window.To, app.Settings.Settle); err != nil {
			return result, defaultType(err, LedgerUnavailable)
		}
	}
	if err := s.exportApp(ctx, app); err != nil {
		return result, defaultType(err, LedgerUnavailable)
	}
	return run.result, nil
}

// windowRun is one attempt to sweep a window.
type windowRun struct {
	*Sweeps
	app    SweepApp
	params SweepWindowParams
	result SweepWindowResult
	// started are the calls that this attempt or an earlier one started. The
	// heartbeat carries them to the next attempt, so that they count as recovered
	// although they have a workflow by then.
	started []string
	// beginning is that of the app.
	beginning time.Time
	// now is by the ledger's clock, and held what is held back, by key.
	now  time.Time
	held map[string]ledger.Held
	// dismissed are the keys of what an operator has dismissed.
	dismissed map[string]bool
}

func newWindowRun(ctx context.Context, s *Sweeps, app SweepApp, p SweepWindowParams) *windowRun {
	r := &windowRun{Sweeps: s, app: app, params: p}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &r.started); err != nil {
			activity.GetLogger(ctx).Warn("calls that an earlier attempt recovered count as known: its heartbeat cannot be read", "app", app.Name, "error", err)
		}
	}
	for _, id := range r.started {
		r.addRecovered(id)
	}
	return r
}

// handle does with every row of a listing what is to be done, and then with what
// was held back before. An error is one of the ledger, or of Temporal in a dry run.
func (r *windowRun) handle(ctx context.Context, listing sweep.Listing) error {
	var err error
	if r.beginning, err = r.Sweeps.beginning(ctx, r.app, r.params.backfill()); err != nil {
		return err
	}
	if err := r.readHeld(ctx); err != nil {
		return err
	}
	if err := r.take(ctx, listing); err != nil {
		return err
	}
	if listing.Unread != nil {
		err = r.holdBackWindow(ctx, listing.Unread)
	} else {
		err = r.releaseWindows(ctx)
	}
	if err != nil || r.params.DryRun || r.params.backfill() {
		return err
	}
	return r.retryHeld(ctx)
}

// take does with every row of a listing what is to be done.
func (r *windowRun) take(ctx context.Context, listing sweep.Listing) error {
	r.result.Counts.Listed += len(listing.Rows) + len(listing.Unreadable)
	if missing := listing.Missing(); missing > 0 && listing.Unread == nil {
		r.result.Counts.Unlisted += missing
		activity.GetLogger(ctx).Warn("Tencent counts more records than it lists; the listing is taken as it is",
			"app", r.app.Name, "from", r.params.Window.From, "to", r.params.Window.To, "counted", listing.Total, "missing", missing)
	}
	rest, err := r.notInLedger(ctx, listing.Records())
	if err != nil {
		return err
	}
	if rest, err = r.notRunning(ctx, rest); err != nil {
		return err
	}
	for _, record := range rest {
		if err := r.start(ctx, record); err != nil {
			return err
		}
	}
	for _, row := range listing.Unreadable {
		if err := r.holdBackRow(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// notInLedger returns the calls that are neither in the ledger nor from before
// the app's beginning, nor started by an earlier attempt, and counts the others.
func (r *windowRun) notInLedger(ctx context.Context, records []tencent.CallRecord) ([]tencent.CallRecord, error) {
	known, err := r.ledger.Known(ctx, r.app.ID, callIDs(records))
	if err != nil {
		return nil, err
	}
	var rest []tencent.CallRecord
	for _, record := range records {
		switch {
		case slices.Contains(r.started, record.CallID):
		case known[record.CallID]:
			r.result.Counts.Known++
			if err := r.release(ctx, ledger.HeldCallKey(record.CallID)); err != nil {
				return nil, err
			}
		case record.EndTime > 0 && record.EndedAt().Before(r.beginning): // 0 is unknown
			r.result.Counts.BeforeGoLive++
		default:
			rest = append(rest, record)
		}
	}
	return rest, nil
}

// notRunning returns the calls that do not run according to the list of
// workflows, and counts the others. If the list cannot be read, the start itself
// decides which calls run.
func (r *windowRun) notRunning(ctx context.Context, records []tencent.CallRecord) ([]tencent.CallRecord, error) {
	if len(records) == 0 {
		return nil, nil
	}
	running, err := r.calls.Running(ctx, r.app.ID, callIDs(records))
	if err != nil {
		activity.GetLogger(ctx).Warn("the list of workflows cannot be read: every call is started to find out whether it runs", "app", r.app.Name, "error", err)
	}
	var rest []tencent.CallRecord
	for _, record := range records {
		call, ok := running[record.CallID]
		if !ok {
			rest = append(rest, record)
			continue
		}
		r.result.Counts.Known++
		if err := r.release(ctx, ledger.HeldCallKey(record.CallID)); err != nil {
			return nil, err
		}
		if call.InReview && !r.params.DryRun {
			r.recheck(ctx, record.CallID)
		}
	}
	return rest, nil
}

// recheck makes a call in review look for its record, which there is, as it was
// listed. If that fails, a later sweep does it again.
func (r *windowRun) recheck(ctx context.Context, callID string) {
	if err := r.calls.Recheck(ctx, r.app.ID, callID); err != nil {
		activity.GetLogger(ctx).Warn("a call in review could not be made to look for its record again", "app", r.app.Name, "call_id", callID, "error", err)
	}
	activity.RecordHeartbeat(ctx, r.started)
}

func callIDs(records []tencent.CallRecord) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.CallID
	}
	return ids
}

// count adds the outcomes to the metrics that start does not add itself.
func (r *windowRun) count() {
	c := r.result.Counts
	for outcome, n := range map[string]int{
		"known": c.Known, "failed": c.Failed, "before_go_live": c.BeforeGoLive, "held_back": c.HeldBack, "conflict": c.Conflicts,
	} {
		r.metrics.calls.WithLabelValues(r.app.Name, outcome).Add(float64(n))
	}
	r.metrics.unlisted.WithLabelValues(r.app.Name).Add(float64(c.Unlisted))
}
