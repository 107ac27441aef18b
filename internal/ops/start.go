package ops

import (
	"context"
	"errors"

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
}

// Start reads the record of a call and starts its workflow, as its callback
// would have done. A call that is in the ledger or has a workflow is left alone.
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
	entries, err := d.callEntries(ctx, app, p.CallID)
	if err != nil { // the worker looks again before it charges
		d.note("cannot look whether the call is in the ledger: %s", err)
	}
	if len(entries) > 0 {
		entry := newLedgerEntry(entries[0])
		r.Outcome, r.Entry = OutcomeInLedger, &entry
		return r, nil
	}
	record, err := d.record(ctx, app, p.CallID)
	if err != nil {
		return nil, err
	}
	r.BeforeGoLive = record.EndTime > 0 && record.EndedAt().Before(app.GoLive)
	r.Outcome, err = d.startCall(ctx, app, record, p.DryRun)
	if err != nil {
		return nil, d.temporalError(err)
	}
	return r, nil
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
		return record, Errorf(NotFound, cure, "%s: %s", app.Name, meaning)
	}
	if err != nil {
		return record, tencentError(app, err)
	}
	return record, nil
}

func (d *Deps) startCall(ctx context.Context, app *config.App, record tencent.CallRecord, dryRun bool) (StartOutcome, error) {
	calls, err := d.starts()
	if err != nil {
		return "", err
	}
	if dryRun {
		have, err := ask(ctx, func(ctx context.Context) (map[string]bool, error) {
			return calls.HaveWorkflow(ctx, app.SDKAppID, []string{record.CallID})
		})
		if have[record.CallID] {
			return OutcomeHasWorkflow, nil
		}
		return OutcomeWouldStart, err
	}
	already, err := ask(ctx, func(ctx context.Context) (bool, error) {
		return calls.Start(ctx, workflows.AfterCallParams{
			SDKAppID: app.SDKAppID, App: app.Name, CallID: record.CallID, Source: workflows.SourceManual,
			Listed: &record, RecordDeadline: app.RecordDeadline,
		}, "")
	})
	if already {
		return OutcomeHasWorkflow, nil
	}
	return OutcomeStarted, err
}
