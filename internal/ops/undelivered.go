package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"aftercall/activities"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/workflows"
)

// undeliveredEntry is a ledger entry and the targets that did not get its event.
type undeliveredEntry struct {
	app       *config.App
	callID    string
	ledgerKey string
	targets   []string
}

// undelivered finds what was not delivered, and not delivered again since.
func (d *Deps) undelivered(ctx context.Context, p ResendParams, apps []*config.App) ([]Resent, error) {
	since := d.now(ctx).Add(-p.Since)
	delivered, err := d.deliveredSince(ctx, since)
	if err != nil {
		return nil, err
	}
	var found []*undeliveredEntry
	query := fmt.Sprintf("%s = %q AND CloseTime >= %q", workflows.AttributeStage.GetName(), workflows.StageUndelivered, since.UTC().Format(time.RFC3339))
	err = d.eachWorkflow(ctx, query, func(e *workflowpb.WorkflowExecutionInfo) error {
		result, err := d.deliveryResult(ctx, e)
		if err != nil {
			return err
		}
		for _, delivery := range result.Deliveries {
			if delivery.Delivered || !p.concerns(delivery) ||
				delivered[deliveredKey(result.LedgerKey, delivery.Target)].After(e.GetCloseTime().AsTime()) {
				continue
			}
			found = d.collectUndelivered(found, e, result.LedgerKey, delivery, apps, p.App == "")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found, err = d.collectConflicts(ctx, p, found, apps, since); err != nil {
		return nil, err
	}
	all := []Resent{}
	for _, u := range found {
		r, err := d.resendEntry(ctx, p, *u)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// concerns reports whether the parameters choose a delivery.
func (p ResendParams) concerns(d workflows.Delivery) bool {
	return (len(p.Targets) == 0 || slices.Contains(p.Targets, d.Target)) && p.includes(d.Event)
}

// collectUndelivered adds a failed delivery to found. What cannot be sent again
// is noted; of an app that is not among apps, only where all apps are searched.
func (d *Deps) collectUndelivered(
	found []*undeliveredEntry, e *workflowpb.WorkflowExecutionInfo, ledgerKey string, delivery workflows.Delivery, apps []*config.App, allApps bool,
) []*undeliveredEntry {
	id := e.GetExecution().GetWorkflowId()
	app, callID, ok := callOfWorkflow(id, apps)
	if !ok || ledgerKey == "" || !fromLedger(delivery) {
		if ok || allApps {
			d.note("%s did not get %s, which is not in the ledger and cannot be sent again: %s", delivery.Target, delivery.Event, id)
		}
		return found
	}
	i := slices.IndexFunc(found, func(u *undeliveredEntry) bool { return u.ledgerKey == ledgerKey })
	if i < 0 {
		return append(found, &undeliveredEntry{app: app, callID: callID, ledgerKey: ledgerKey, targets: []string{delivery.Target}})
	}
	if !slices.Contains(found[i].targets, delivery.Target) {
		found[i].targets = append(found[i].targets, delivery.Target)
	}
	return found
}

// collectConflicts adds the calls whose workflow has failed before it notified a
// target, although the call is in the ledger.
func (d *Deps) collectConflicts(ctx context.Context, p ResendParams, found []*undeliveredEntry, apps []*config.App, since time.Time) ([]*undeliveredEntry, error) {
	open, err := d.conflicts(ctx, apps, since)
	if err != nil || len(open) == 0 {
		return found, err
	}
	cfg, err := d.Config()
	if err != nil {
		return nil, err
	}
	for _, c := range open {
		if !c.Charged {
			d.note("call %s of %s is not charged: its workflow has failed: %s; %s", c.CallID, c.App, c.Failure, shell.Command("aftercall call", c.CallID))
			continue
		}
		event, _ := activities.EventOf(c.entries[0])
		targets := cfg.Subscribers(event)
		if len(p.Targets) > 0 {
			targets = slices.DeleteFunc(targets, func(name string) bool { return !slices.Contains(p.Targets, name) })
		}
		if len(targets) > 0 && p.includes(event.Type) {
			found = append(found, &undeliveredEntry{app: c.app, callID: c.CallID, ledgerKey: c.entries[0].Key, targets: targets})
		}
	}
	return found, nil
}

// resendEntry reads the entry whose event was not delivered.
func (d *Deps) resendEntry(ctx context.Context, p ResendParams, u undeliveredEntry) (Resent, error) {
	entries, err := d.callEntries(ctx, u.app, u.callID)
	if err != nil {
		return Resent{}, err
	}
	i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Key == u.ledgerKey })
	if i < 0 {
		return Resent{}, Errorf(Failed, "LEDGER_URL must be the worker's", "the ledger has no entry %s, whose event was not delivered", u.ledgerKey)
	}
	return p.resend(entries[i], u.targets), nil
}

// deliveredSince returns when delivery workflows delivered the event of an entry
// to a target, by deliveredKey.
func (d *Deps) deliveredSince(ctx context.Context, since time.Time) (map[string]time.Time, error) {
	delivered := map[string]time.Time{}
	query := fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Completed' AND CloseTime >= %q", workflows.DeliverName, since.UTC().Format(time.RFC3339))
	return delivered, d.eachWorkflow(ctx, query, func(e *workflowpb.WorkflowExecutionInfo) error {
		result, err := d.deliveryResult(ctx, e)
		if err != nil {
			return err
		}
		for _, delivery := range result.Deliveries {
			key, at := deliveredKey(result.LedgerKey, delivery.Target), e.GetCloseTime().AsTime()
			if delivery.Delivered && at.After(delivered[key]) {
				delivered[key] = at
			}
		}
		return nil
	})
}

func deliveredKey(ledgerKey, target string) string { return ledgerKey + " " + target }

// fromLedger reports whether the event can be made again from the ledger.
func fromLedger(d workflows.Delivery) bool {
	return strings.HasPrefix(string(d.Event), "call.") && d.Event != "call.review"
}

// deliveryResult reads what a workflow delivered. The results of calls and of
// delivery workflows both have these fields.
func (d *Deps) deliveryResult(ctx context.Context, e *workflowpb.WorkflowExecutionInfo) (result workflows.DeliverResult, err error) {
	c, _, err := d.Temporal()
	if err != nil {
		return result, err
	}
	id := e.GetExecution().GetWorkflowId()
	_, err = ask(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.GetWorkflow(ctx, id, e.GetExecution().GetRunId()).Get(ctx, &result)
	})
	if err != nil {
		return result, d.temporalError(fmt.Errorf("result of %s: %w", id, err))
	}
	return result, nil
}

// callOfWorkflow reads app and CallId from the ID of a workflow that is about a
// call: call:<SDKAppID>:<CallId> or deliver:<event>:<SDKAppID>:<CallId>.
func callOfWorkflow(workflowID string, apps []*config.App) (app *config.App, callID string, ok bool) {
	sdkAppID, callID, ok := workflows.ParseAfterCallID(workflowID)
	if !ok {
		sdkAppID, callID, ok = workflows.ParseDeliverID(workflowID)
	}
	if !ok {
		return nil, "", false
	}
	i := slices.IndexFunc(apps, func(a *config.App) bool { return a.SDKAppID == sdkAppID })
	if i < 0 {
		return nil, "", false
	}
	return apps[i], callID, true
}
