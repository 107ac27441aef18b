package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// conflictsShown is how far back failed workflows are looked for: as far as
// Tencent keeps records.
const conflictsShown = 7 * 24 * time.Hour

// Conflict is a call whose workflow has failed because the ledger had another
// sum, and for which nothing has been done since.
type Conflict struct {
	App        string           `json:"app"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	CallID     string           `json:"call_id"`
	WorkflowID string           `json:"workflow_id"`
	ClosedAt   time.Time        `json:"closed_at"`
	// Charged says that the ledger has an entry; no target was notified of it by
	// this workflow.
	Charged bool `json:"charged"`
	// Failure is that of the workflow, with both sums.
	Failure string `json:"failure"`
	// Cure says what to do.
	Cure string `json:"cure"`

	app     *config.App
	entries []ledger.Entry
}

// conflicts returns the open conflicts of apps whose workflow failed since a
// time, the newest first. One is settled by a correction, by sending its events
// again, or by a reset of the workflow.
func (d *Deps) conflicts(ctx context.Context, apps []*config.App, since time.Time) ([]Conflict, error) {
	var failed []*workflowpb.WorkflowExecutionInfo
	query := fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Failed' AND CloseTime >= %q", workflows.AfterCallName, since.UTC().Format(time.RFC3339))
	err := d.eachWorkflow(ctx, query, func(e *workflowpb.WorkflowExecutionInfo) error {
		failed = append(failed, e)
		return nil
	})
	if err != nil || len(failed) == 0 {
		return nil, err
	}
	delivered, err := d.deliveredSince(ctx, since)
	if err != nil {
		return nil, err
	}
	var open []Conflict
	for _, e := range failed {
		app, callID, ok := callOfWorkflow(e.GetExecution().GetWorkflowId(), apps)
		if !ok {
			continue
		}
		c, err := d.conflict(ctx, app, callID, e, delivered)
		if err != nil {
			return nil, err
		}
		if c != nil {
			open = append(open, *c)
		}
	}
	return open, nil
}

// conflict returns the conflict of a failed run, nil if it is settled.
func (d *Deps) conflict(
	ctx context.Context, app *config.App, callID string, e *workflowpb.WorkflowExecutionInfo, delivered map[string]time.Time,
) (*Conflict, error) {
	t, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	id, runID := e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()
	latest, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
		return t.DescribeWorkflowExecution(ctx, id, "")
	})
	if errors.As(err, new(*serviceerror.NotFound)) {
		return nil, nil //nolint:nilnil // the namespace has just deleted it
	}
	if err != nil {
		return nil, d.temporalError(err)
	}
	info := latest.GetWorkflowExecutionInfo()
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_FAILED || info.GetExecution().GetRunId() != runID {
		return nil, nil //nolint:nilnil // it was reset
	}
	entries, err := d.callEntries(ctx, app, callID)
	if err != nil {
		return nil, err
	}
	closedAt := e.GetCloseTime().AsTime()
	if settledSince(entries, delivered, closedAt) {
		return nil, nil //nolint:nilnil // nothing is open
	}
	_, err = ask(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, t.GetWorkflow(ctx, id, runID).Get(ctx, nil)
	})
	return &Conflict{
		App: app.Name, SDKAppID: app.SDKAppID, CallID: callID, WorkflowID: id, ClosedAt: closedAt, Charged: len(entries) > 0,
		Failure: causeMessage(err), Cure: conflictCure(id, callID, len(entries) > 0), app: app, entries: entries,
	}, nil
}

// settledSince reports whether a person has corrected a call, or sent its event
// again, since its workflow failed.
func settledSince(entries []ledger.Entry, delivered map[string]time.Time, closedAt time.Time) bool {
	for _, e := range entries {
		if e.Correction() {
			return true
		}
		for key, at := range delivered {
			if strings.HasPrefix(key, e.Key+" ") && at.After(closedAt) {
				return true
			}
		}
	}
	return false
}

// conflictCure says how a call whose workflow has failed is settled.
func conflictCure(workflowID, callID string, charged bool) string {
	if !charged {
		return "the ledger has no entry of it now, so this charges it: " +
			shell.Command(`temporal workflow reset --type LastWorkflowTask --reason "not charged" -w`, workflowID)
	}
	return shell.Command("aftercall call", callID) + " shows both sums. If the ledger is right: " + shell.Command("aftercall resend", callID) + ", which notifies the targets; if it is wrong: aftercall ledger reverse or rerate"
}
