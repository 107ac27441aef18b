package activities

import (
	"context"
	"slices"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/tencent"
)

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

// notInLedger returns the calls that are neither in the ledger nor from before
// go_live, nor started by an earlier attempt, and counts the others.
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
		case record.EndTime > 0 && record.EndedAt().Before(r.app.GoLive): // 0 is unknown
			r.result.Counts.BeforeGoLive++
		default:
			rest = append(rest, record)
		}
	}
	return rest, nil
}

// withoutWorkflow returns the calls that are not in the list of workflows, and
// counts the others. If the list cannot be read, the start itself decides which
// calls have a workflow; a dry run, which starts nothing, then fails.
func (r *windowRun) withoutWorkflow(ctx context.Context, records []tencent.CallRecord) ([]tencent.CallRecord, error) {
	if len(records) == 0 {
		return nil, nil
	}
	have, err := r.calls.HaveWorkflow(ctx, r.app.ID, callIDs(records))
	if err != nil {
		if r.params.DryRun {
			return nil, err
		}
		activity.GetLogger(ctx).Warn("the list of workflows cannot be read: every call is started to find out whether it has a workflow", "app", r.app.Name, "error", err)
	}
	return slices.DeleteFunc(records, func(record tencent.CallRecord) bool {
		if have[record.CallID] {
			r.result.Counts.Known++
		}
		return have[record.CallID]
	}), nil
}

func callIDs(records []tencent.CallRecord) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.CallID
	}
	return ids
}

// start starts the workflow of a call, unless it has one.
func (r *windowRun) start(ctx context.Context, record tencent.CallRecord) {
	if r.params.DryRun {
		r.addRecovered(record.CallID)
		return
	}
	already, err := r.calls.StartListed(ctx, r.app, record)
	switch {
	case err != nil:
		activity.GetLogger(ctx).Error("the workflow of a call without callback could not be started", "app", r.app.Name, "call_id", record.CallID, "error", err)
		r.result.Counts.Failed++
	case already:
		r.result.Counts.Known++
	case r.params.backfill():
		r.addStarted(record)
		r.seen.WithLabelValues(r.app.Name, "backfilled").Inc()
	default:
		r.addStarted(record)
		r.seen.WithLabelValues(r.app.Name, "recovered").Inc()
		activity.GetLogger(ctx).Warn("recovered a call whose callback was lost", "app", r.app.Name, "call_id", record.CallID)
	}
	activity.RecordHeartbeat(ctx, r.started)
}

func (r *windowRun) addStarted(record tencent.CallRecord) {
	r.started = append(r.started, record.CallID)
	r.addRecovered(record.CallID)
}

func (r *windowRun) addRecovered(callID string) {
	r.result.Counts.Recovered++
	if len(r.result.Examples) < maxExamples {
		r.result.Examples = append(r.result.Examples, callID)
	}
}

// count adds the outcomes to the metrics that start does not add itself.
func (r *windowRun) count() {
	c := r.result.Counts
	for outcome, n := range map[string]int{"known": c.Known, "failed": c.Failed, "before_go_live": c.BeforeGoLive} {
		r.seen.WithLabelValues(r.app.Name, outcome).Add(float64(n))
	}
}
