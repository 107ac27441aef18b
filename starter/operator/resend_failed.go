package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// untold is one entry and the targets that were not told of it.
type untold struct {
	app     *config.App
	callID  string
	key     string
	targets []string
}

// failed is what was not delivered, and not delivered again since.
func (c resendCommand) failed(ctx context.Context, t *tools, apps []*config.App) ([]resent, error) {
	since := time.Now().Add(-c.Since)
	delivered, err := c.deliveredSince(ctx, t, since)
	if err != nil {
		return nil, err
	}
	var order []string
	found := map[string]*untold{}
	err = t.each(ctx, fmt.Sprintf("%s = %q AND CloseTime >= %q", workflows.AttributeStage.GetName(), workflows.StageUndelivered, since.UTC().Format(time.RFC3339)),
		func(e *workflowpb.WorkflowExecutionInfo) error {
			result, err := t.outcome(ctx, e)
			if err != nil {
				return err
			}
			app, callID, ok := ofCall(e.GetExecution().GetWorkflowId(), apps)
			for _, d := range result.deliveries {
				switch {
				case d.Delivered || (len(c.Target) > 0 && !slices.Contains(c.Target, d.Target)) || !c.tells(d.Event):
				case !ok || result.key == "" || !ofLedger(d):
					if ok || c.App == "" {
						fmt.Fprintf(t.process.Stderr, "note: %s was not told of %s, which is not in the ledger and is not sent again: %s\n",
							d.Target, d.Event, e.GetExecution().GetWorkflowId())
					}
				case delivered[result.key+" "+d.Target].After(e.GetCloseTime().AsTime()):
				default:
					u := found[result.key]
					if u == nil {
						u = &untold{app: app, callID: callID, key: result.key}
						found[result.key], order = u, append(order, result.key)
					}
					if !slices.Contains(u.targets, d.Target) {
						u.targets = append(u.targets, d.Target)
					}
				}
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	all := []resent{}
	for _, key := range order {
		r, err := c.again(ctx, t, *found[key])
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// again finds the entry that was not told of.
func (c resendCommand) again(ctx context.Context, t *tools, u untold) (resent, error) {
	entries, err := t.entries(ctx, u.app, u.callID)
	if err != nil {
		return resent{}, err
	}
	i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Key == u.key })
	if i < 0 {
		return resent{}, cli.Errorf(cli.Failed, "LEDGER_URL must be the worker's", "the ledger has no entry %s, of which a workflow was to tell", u.key)
	}
	return c.resend(entries[i], u.targets), nil
}

// deliveredSince is when targets were told of entries by a Deliver, by ledger
// key and target.
func (c resendCommand) deliveredSince(ctx context.Context, t *tools, since time.Time) (map[string]time.Time, error) {
	delivered := map[string]time.Time{}
	return delivered, t.each(ctx, fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Completed' AND CloseTime >= %q",
		workflows.DeliverName, since.UTC().Format(time.RFC3339)),
		func(e *workflowpb.WorkflowExecutionInfo) error {
			result, err := t.outcome(ctx, e)
			if err != nil {
				return err
			}
			for _, d := range result.deliveries {
				key, at := result.key+" "+d.Target, e.GetCloseTime().AsTime()
				if d.Delivered && at.After(delivered[key]) {
					delivered[key] = at
				}
			}
			return nil
		})
}

// ofLedger reports whether the ledger can make the event again.
func ofLedger(d workflows.Delivery) bool {
	return strings.HasPrefix(string(d.Event), "call.") && d.Event != "call.review"
}

// outcome is what a workflow that tells of an entry ended with.
type outcomeOf struct {
	key        string
	deliveries []workflows.Delivery
}

func (t *tools) outcome(ctx context.Context, e *workflowpb.WorkflowExecutionInfo) (outcomeOf, error) {
	run := t.temporal.GetWorkflow(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
	// Both kinds of results have these.
	var result struct {
		LedgerKey  string               `json:"ledger_key"`
		Deliveries []workflows.Delivery `json:"deliveries"`
	}
	if err := run.Get(ctx, &result); err != nil {
		return outcomeOf{}, t.temporalError(fmt.Errorf("result of %s: %w", e.GetExecution().GetWorkflowId(), err))
	}
	return outcomeOf{key: result.LedgerKey, deliveries: result.Deliveries}, nil
}

// each goes through the workflows that a query finds.
func (t *tools) each(ctx context.Context, query string, do func(*workflowpb.WorkflowExecutionInfo) error) error {
	var token []byte
	for {
		page, err := ask(ctx, func(ctx context.Context) (*workflowservice.ListWorkflowExecutionsResponse, error) {
			return t.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: token})
		})
		if err != nil {
			return t.temporalError(err)
		}
		for _, e := range page.GetExecutions() {
			if err := do(e); err != nil {
				return err
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return nil
		}
	}
}

// ofCall reads app and CallId from the ID of a workflow that is about a call:
// call:<SDKAppID>:<CallId> or deliver:<event>:<SDKAppID>:<CallId>.
func ofCall(workflowID string, apps []*config.App) (app *config.App, callID string, ok bool) {
	kind, rest, _ := strings.Cut(workflowID, ":")
	if kind == "deliver" {
		_, rest, _ = strings.Cut(rest, ":")
	}
	id, callID, ok := strings.Cut(rest, ":")
	if !ok {
		return nil, "", false
	}
	sdkAppID, err := tencent.ParseSDKAppID(id)
	if err != nil {
		return nil, "", false
	}
	i := slices.IndexFunc(apps, func(a *config.App) bool { return a.SDKAppID == sdkAppID })
	if i < 0 {
		return nil, "", false
	}
	return apps[i], callID, true
}
