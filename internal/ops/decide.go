package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/shell"
	"aftercall/workflows"
)

// decideTimeout is how long a decision may take to be booked. It continues
// without us.
const decideTimeout = 60 * time.Second

// Decide sends a person's decision about a call in review and waits until it is
// in the ledger. An empty app means the only app that has the call.
func (d *Deps) Decide(ctx context.Context, app, callID string, decision workflows.DecideParams) (*workflows.DecideResult, error) {
	if err := validateDecision(decision); err != nil {
		return nil, err
	}
	if callID == "" {
		return nil, Errorf(Usage, "see aftercall review list", "CALLID: is missing: name the call, or give --all")
	}
	t, _, err := d.Temporal()
	if err != nil {
		return nil, err
	}
	id, err := d.workflowInReview(ctx, t, app, callID)
	if err != nil {
		return nil, err
	}
	result, err := decide(ctx, t, id, decision)
	if err != nil {
		return nil, d.decisionError(callID, err)
	}
	return result, nil
}

// decide sends a decision to a workflow, and waits until it is in the ledger.
func decide(ctx context.Context, t client.Client, workflowID string, decision workflows.DecideParams) (*workflows.DecideResult, error) {
	ctx, cancel := context.WithTimeout(ctx, decideTimeout)
	defer cancel()
	handle, err := t.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: workflows.UpdateDecide, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{decision},
	})
	if err != nil {
		return nil, err
	}
	var result workflows.DecideResult
	if err := handle.Get(ctx, &result); err != nil {
		return nil, err
	}
	return &result, nil
}

// decisionFlags are the flags for the fields that a decision's problems name.
var decisionFlags = strings.NewReplacer("verdict:", "--verdict:", "connected_seconds:", "--connected-seconds:", "media_type", "--media", "call_type", "--call-type",
	"payer:", "--payer:", "ended_at:", "--ended-at:")

// validateDecision finds what is wrong with a decision whatever the call. The
// workflow validates it again, with what it knows of the call.
func validateDecision(decision workflows.DecideParams) error {
	if err := decision.BillingDecision(false).Validate(); err != nil {
		return Errorf(Usage, "", "%s", decisionFlags.Replace(err.Error()))
	}
	return Signature{Operator: decision.By, Reason: decision.Reason}.validate()
}

// workflowInReview finds the workflow of a call among the apps.
func (d *Deps) workflowInReview(ctx context.Context, t client.Client, app, callID string) (string, error) {
	apps, err := d.Apps(app)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var found []string
	for _, app := range apps {
		id := workflows.AfterCallID(app.SDKAppID, callID)
		_, err := t.DescribeWorkflowExecution(ctx, id, "")
		if errors.As(err, new(*serviceerror.NotFound)) {
			continue
		}
		if err != nil {
			return "", d.temporalError(fmt.Errorf("find the call: %w", err))
		}
		found = append(found, id)
	}
	switch len(found) {
	case 0:
		return "", Errorf(NotFound, "see aftercall review list", "no workflow handles a call %s", callID)
	case 1:
		return found[0], nil
	}
	return "", Errorf(Usage, "name the app with --app", "several apps have a call %s", callID)
}

// decisionError says why a decision was not carried out.
func (d *Deps) decisionError(callID string, err error) error {
	var rejected *temporal.ApplicationError
	switch {
	case errors.As(err, &rejected):
		return Errorf(Refused, "", "the decision was not carried out: %s", rejected.Message())
	case errors.As(err, new(*serviceerror.NotFound)):
		return Errorf(Refused, "see what it was charged: "+shell.Command("aftercall ledger show", callID), "the call is not in review: its workflow has ended")
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*client.WorkflowUpdateServiceTimeoutOrCanceledError)):
		return Errorf(Incomplete, "it may still be carried out, when a worker and the ledger answer: see aftercall review list",
			"the decision was not confirmed within %s", decideTimeout)
	}
	return d.temporalError(fmt.Errorf("decide: %w", err))
}
