package ops

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

func probeTemporal(ctx context.Context, d *Deps) (string, error) {
	c, namespace, err := d.Temporal()
	if err != nil {
		return "", err
	}
	info, err := ask(ctx, func(ctx context.Context) (*workflowservice.GetSystemInfoResponse, error) {
		if err := temporalclient.Ping(ctx, c, namespace); err != nil {
			return nil, err
		}
		return c.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	})
	if err != nil {
		return "", d.temporalError(err)
	}
	return "namespace " + namespace + ", server " + info.GetServerVersion(), nil
}

func probeRetention(ctx context.Context, d *Deps) (string, error) {
	cfg, err := d.Config()
	if err != nil {
		return "", err
	}
	c, namespace, err := d.Temporal()
	if err != nil {
		return "", err
	}
	cure := "temporal operator namespace update --namespace " + namespace + " --retention 10d"
	retention, err := ask(ctx, func(ctx context.Context) (time.Duration, error) { return temporalclient.Retention(ctx, c, namespace) })
	switch {
	case err != nil:
		return "", d.temporalError(err)
	case retention <= cfg.DedupeWindow:
		return "", Errorf(Failed, cure, "closed workflows are kept for %s, not longer than the dedupe_window, %s", inDays(retention), inDays(cfg.DedupeWindow))
	case retention <= conflictsShown:
		return "", warn(cure, "closed workflows are kept for %s: of calls that Tencent lists for %s, failed workflows disappear earlier", inDays(retention), inDays(conflictsShown))
	}
	return fmt.Sprintf("closed workflows are kept for %s, longer than the dedupe_window, %s", inDays(retention), inDays(cfg.DedupeWindow)), nil
}

func probeSearchAttributes(ctx context.Context, d *Deps) (string, error) {
	c, namespace, err := d.Temporal()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	missing, known, err := temporalclient.MissingAttributes(ctx, c, namespace, workflows.SearchAttributes)
	switch {
	case err != nil:
		return "", Errorf(Failed, "temporal operator search-attribute list shows what there is", "%w", err)
	case !known:
		return "cannot be listed here: make sure that all are registered", nil
	case len(missing) > 0:
		return "", Errorf(Failed, "start the worker, which registers them, or use temporal operator search-attribute create --type Keyword --name …",
			"missing: %s", strings.Join(missing, ", "))
	}
	return fmt.Sprintf("all %d are registered", len(workflows.SearchAttributes)), nil
}

func probeWorkers(ctx context.Context, d *Deps) (string, error) {
	workers, err := d.workersOn(ctx, d.settings.TaskQueue)
	switch {
	case err != nil:
		return "", err
	case workers == 0:
		return "", d.noWorkers(ctx)
	}
	return fmt.Sprintf("%d on the task queue %s", workers, d.settings.TaskQueue), nil
}

// noAnswerCure is for workers that poll, or did so lately, and do not answer.
const noAnswerCure = "run it again; if it stays so, start a worker with the same AFTERCALL_TASK_QUEUE as the starter"

// noWorkers says that no worker polls the task queue, and whether some poll another one.
func (d *Deps) noWorkers(ctx context.Context) error {
	elsewhere, err := d.servedQueues(ctx)
	if err != nil {
		return err
	}
	found := "no worker polls the task queue " + d.settings.TaskQueue
	if len(elsewhere) > 0 {
		found += ", but workers poll " + strings.Join(elsewhere, ", ")
	}
	return Errorf(Failed, "start a worker, with the same AFTERCALL_TASK_QUEUE as the starter; calls wait until then", "%s", found)
}

// probeConflicts finds calls whose workflow has failed.
func probeConflicts(ctx context.Context, d *Deps) (string, error) {
	apps, err := d.Apps("")
	if err != nil {
		return "", err
	}
	open, err := d.conflicts(ctx, apps, d.now(ctx).Add(-conflictsShown))
	if err != nil {
		return "", err
	}
	if len(open) > 0 {
		return "", Errorf(Failed, open[0].Cure, "the workflows of %d calls have failed; the last is %s of %s: %s", len(open), open[0].CallID, open[0].App, open[0].Failure)
	}
	return "no workflow of a call has failed in the last " + inDays(conflictsShown), nil
}

// probeReviews counts the calls that wait for a person.
func probeReviews(ctx context.Context, d *Deps) (string, error) {
	open, err := d.countWorkflows(ctx, workflows.WaitingQuery(workflows.StageReview))
	if err != nil {
		return "", err
	}
	if open > 0 {
		return "", warn("aftercall review list says why; none is charged before a person decides", "%d calls wait for a decision", open)
	}
	return "no call waits for a decision", nil
}

// probeDeliveries counts the calls that are charged, but not yet notified.
func probeDeliveries(ctx context.Context, d *Deps) (string, error) {
	waiting, err := d.countWorkflows(ctx, workflows.WaitingQuery(workflows.StageNotify))
	if err != nil {
		return "", err
	}
	if waiting > 0 {
		return "", warn("aftercall waiting --stage notify says for what", "%d calls are charged, but a target has not accepted their event yet", waiting)
	}
	return "none waits", nil
}

// countWorkflows counts what a query of Temporal's visibility finds.
func (d *Deps) countWorkflows(ctx context.Context, query string) (int64, error) {
	c, _, err := d.Temporal()
	if err != nil {
		return 0, err
	}
	counted, err := ask(ctx, func(ctx context.Context) (*workflowservice.CountWorkflowExecutionsResponse, error) {
		return c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	})
	if err != nil {
		return 0, d.temporalError(err)
	}
	return counted.GetCount(), nil
}

// inDays writes whole days as days.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "1 day"
	case d > day && d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
