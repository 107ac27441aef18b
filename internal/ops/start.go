package ops

import (
	"context"
	"errors"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// StartOutcome is what Start did, or found.
type StartOutcome string

// The outcomes of Start.
const (
	OutcomeStarted     StartOutcome = "started"
	OutcomeWouldStart  StartOutcome = "would_start"
	OutcomeInLedger    StartOutcome = "in_ledger"
	OutcomeHasWorkflow StartOutcome = "has_workflow"
	// OutcomeStartedAgain: the workflow of the call had ended, but the ledger has
	// no entry.
	OutcomeStartedAgain    StartOutcome = "started_again"
	OutcomeWouldStartAgain StartOutcome = "would_start_again"
)

// StartResult is the result of Start.
type StartResult struct {
	App        string           `json:"app"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	CallID     string           `json:"call_id"`
	Outcome    StartOutcome     `json:"outcome"`
	WorkflowID string           `json:"workflow_id"`
	Link       string           `json:"link,omitempty"`
	// BeforeGoLive says that the call ended before the app's go_live.
	BeforeGoLive bool `json:"before_go_live"`
	// Entry is the first entry of a call that is in the ledger.
	Entry *LedgerEntry `json:"entry,omitempty"`
}

// StartParams name a call to start.
type StartParams struct {
	CallID string
	App    string
	// DryRun starts nothing and says what would be done.
	DryRun bool
	// Notify notifies the targets again of a charge that the ledger has lost.
	Notify bool
	// WithoutRecord also starts a call of which Tencent has no record, if it was seen: then
	// a person decides about it.
	WithoutRecord bool
}

// Start reads the record of a call and starts its workflow, as its callback
// would have done; without a record only if p.WithoutRecord. A call that is in the
// ledger or whose workflow is running is left alone. One whose workflow has failed
// is an error: a person must find out which charge is right.
func (d *Deps) Start(ctx context.Context, p StartParams) (*StartResult, error) {
	if err := validateCallID(p.CallID); err != nil {
		return nil, err
	}
	app, err := d.App(p.App)
	if err != nil {
		return nil, err
	}
	id := workflows.AfterCallID(app.SDKAppID, p.CallID)
	r := &StartResult{App: app.Name, SDKAppID: app.SDKAppID, CallID: p.CallID, WorkflowID: id, Link: d.link(id, "")}
	entries, ledgerErr := d.callEntries(ctx, app, p.CallID)
	if ledgerErr != nil { // the worker looks again before it charges
		d.note("cannot look whether the call is in the ledger: %s", ledgerErr)
	}
	if len(entries) > 0 {
		entry := newLedgerEntry(entries[0])
		r.Outcome, r.Entry = OutcomeInLedger, &entry
		return r, nil
	}
	call := workflows.AfterCallParams{
		SDKAppID: app.SDKAppID, App: app.Name, CallID: p.CallID, Source: workflows.SourceManual, RecordDeadline: app.RecordDeadline,
	}
	record, err := d.record(ctx, app, p.CallID)
	switch {
	case err == nil:
		call.Listed = &record
	case p.WithoutRecord && isKind(err, NotFound):
		if record, err = d.seenCall(ctx, app, p.CallID); err != nil {
			return nil, err
		}
		call.Seen = &record
		d.note("Tencent has no record of the call: if none comes within %s, a person decides", app.RecordDeadline)
	default:
		return nil, err
	}
	r.BeforeGoLive = record.EndTime > 0 && record.EndedAt().Before(app.GoLive)
	outcome, err := d.startCall(ctx, app, call, p, ledgerErr)
	if err != nil {
		return nil, d.temporalError(err)
	}
	if err := r.setOutcome(outcome, p.DryRun); err != nil {
		return nil, err
	}
	return r, nil
}

// setOutcome tells what was done or found, or why nothing can be.
func (r *StartResult) setOutcome(found activities.StartOutcome, dryRun bool) error {
	switch found {
	case activities.StartedFirst:
		r.Outcome = OutcomeStarted
		if dryRun {
			r.Outcome = OutcomeWouldStart
		}
	case activities.StartedAgain:
		r.Outcome = OutcomeStartedAgain
		if dryRun {
			r.Outcome = OutcomeWouldStartAgain
		}
	case activities.InLedger, activities.StillRunning: // its workflow has just charged it, or will
		r.Outcome = OutcomeHasWorkflow
	case activities.ChargeFailed:
		return Errorf(Refused, conflictCure(r.WorkflowID, r.CallID, false), "call %s of %s is not charged: its workflow has failed, and is not started again", r.CallID, r.App)
	}
	return nil
}

func (d *Deps) record(ctx context.Context, app *config.App, callID string) (tencent.CallRecord, error) {
	api, err := d.Tencent(app)
	if err != nil {
		return tencent.CallRecord{}, err
	}
	record, err := ask(ctx, func(ctx context.Context) (tencent.CallRecord, error) { return api.Record(ctx, callID) })
	var apiErr *tencent.APIError
	var unreadable *tencent.UnreadableRecordError
	if errors.As(err, &unreadable) {
		d.note("the workflow will ask for a decision, because the record cannot be read completely: %s", tencent.DescribeProblems(unreadable.Problems))
		return unreadable.Record, nil
	}
	if errors.As(err, &apiErr) && apiErr.Code == tencent.CodeRecordNotFound {
		meaning, cure := apiErr.Code.Explain()
		return record, Errorf(NotFound, cure+"; if the call was seen, --without-record lets a person decide about it", "%s: %s", app.Name, meaning)
	}
	if err != nil {
		return record, tencentError(app, err)
	}
	return record, nil
}

func (d *Deps) startCall(ctx context.Context, app *config.App, call workflows.AfterCallParams, p StartParams, ledgerErr error) (activities.StartOutcome, error) {
	calls, err := d.starts()
	if err != nil {
		return "", err
	}
	inLedger := func(ctx context.Context) (bool, error) {
		if ledgerErr != nil { // a workflow that has ended has probably charged the call
			return false, ledgerErr
		}
		entries, err := d.callEntries(ctx, app, p.CallID)
		return len(entries) > 0, err
	}
	return ask(ctx, func(ctx context.Context) (activities.StartOutcome, error) {
		if p.DryRun {
			outcome, err := calls.Inspect(ctx, app.SDKAppID, p.CallID)
			if outcome == activities.StartedAgain && ledgerErr != nil {
				return "", ledgerErr
			}
			return outcome, err
		}
		return calls.StartUncharged(ctx, call, activities.StartAgain{InLedger: inLedger, Notify: p.Notify})
	})
}
