package activities

import (
	"context"
	"slices"

	"go.temporal.io/sdk/activity"

	"aftercall/internal/tencent"
)

// windowRun is one attempt at a window that was listed whole.
type windowRun struct {
	*Sweeps
	app    SweepApp
	params SweepWindowParams
	result SweepWindowResult
	// started are the calls that this attempt or an earlier one started. The
	// heartbeat carries them to the next attempt, so that what was recovered
	// counts as recovered although it has a workflow by then.
	started []string
}

func newWindowRun(ctx context.Context, s *Sweeps, app SweepApp, p SweepWindowParams) *windowRun {
	r := &windowRun{Sweeps: s, app: app, params: p}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &r.started); err != nil {
			activity.GetLogger(ctx).Warn("what an earlier attempt recovered counts as known", "app", app.Name, "error", err)
		}
	}
	for _, id := range r.started {
		r.recovered(id)
	}
	return r
}

// unknown leaves the calls that are neither in the ledger nor from before
// go_live, nor started by an earlier attempt.
func (r *windowRun) unknown(ctx context.Context, records []tencent.CallRecord) ([]tencent.CallRecord, error) {
	known, err := r.ledger.Known(ctx, r.app.ID, callIDs(records))
	if err != nil {
		return nil, err
	}
	var unknown []tencent.CallRecord
	for _, record := range records {
		switch {
		case slices.Contains(r.started, record.CallID):
		case known[record.CallID]:
			r.result.Counts.Known++
		case record.EndedAt().Before(r.app.GoLive):
			r.result.Counts.BeforeGoLive++
		default:
			unknown = append(unknown, record)
		}
	}
	return unknown, nil
}

// withoutWorkflow leaves the calls that the list of workflows does not know.
// Where it cannot be asked the start itself decides, except for a dry run,
// which has nothing else to go by.
func (r *windowRun) withoutWorkflow(ctx context.Context, records []tencent.CallRecord) ([]tencent.CallRecord, error) {
	if len(records) == 0 {
		return nil, nil
	}
	have, err := r.calls.HaveWorkflow(ctx, r.app.ID, callIDs(records))
	if err != nil {
		if r.params.DryRun {
			return nil, err
		}
		activity.GetLogger(ctx).Warn("the list of workflows does not answer: calls are started one by one", "app", r.app.Name, "error", err)
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

// recover starts a call, unless it has a workflow.
func (r *windowRun) recover(ctx context.Context, record tencent.CallRecord) {
	if r.params.DryRun {
		r.recovered(record.CallID)
		return
	}
	already, err := r.calls.StartListed(ctx, r.app, record)
	switch {
	case err != nil:
		activity.GetLogger(ctx).Error("a call without callback could not be started", "app", r.app.Name, "call_id", record.CallID, "error", err)
		r.result.Counts.Failed++
	case already:
		r.result.Counts.Known++
	case r.params.backfill():
		r.keep(record)
		r.seen.WithLabelValues(r.app.Name, "backfilled").Inc()
	default:
		r.keep(record)
		r.seen.WithLabelValues(r.app.Name, "recovered").Inc()
		activity.GetLogger(ctx).Warn("recovered a call whose callback was lost", "app", r.app.Name, "call_id", record.CallID)
	}
	activity.RecordHeartbeat(ctx, r.started)
}

func (r *windowRun) keep(record tencent.CallRecord) {
	r.started = append(r.started, record.CallID)
	r.recovered(record.CallID)
}

func (r *windowRun) recovered(callID string) {
	r.result.Counts.Recovered++
	if len(r.result.Examples) < maxExamples {
		r.result.Examples = append(r.result.Examples, callID)
	}
}

// count counts what was not counted as it happened.
func (r *windowRun) count() {
	c := r.result.Counts
	for outcome, n := range map[string]int{"known": c.Known, "failed": c.Failed, "before_go_live": c.BeforeGoLive} {
		r.seen.WithLabelValues(r.app.Name, outcome).Add(float64(n))
	}
}
