package ops

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"aftercall/activities"
	"aftercall/internal/circuit"
	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

var redisProbe = probe{name: "redis", run: func(ctx context.Context, d *Deps) (string, error) {
	rdb, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	took, err := ask(ctx, func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		err := guard.Ping(ctx)
		return time.Since(start), err
	})
	if err != nil {
		return "", Errorf(Failed, "is Redis up, and not full or read-only? Calls are handled without it, but every duplicate costs Temporal a request",
			"%s accepts no writes: %w", d.settings.RedisURL, err)
	}
	answers := fmt.Sprintf("%s answers in %s", d.settings.RedisURL, took.Round(100*time.Microsecond))
	detail, err := redisSpeed(answers, took, d.settings.RedisTimeout)
	if err != nil {
		return "", err
	}
	info, err := rdb.InfoMap(ctx, "server").Result()
	if err != nil { // not every service allows it
		return detail, nil
	}
	version := info["Server"]["redis_version"]
	if major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); err == nil && major < 7 {
		return "", Errorf(Failed, "use Redis 7.0 or newer", "%s is Redis %s", d.settings.RedisURL, version)
	}
	return strings.TrimSuffix(detail+", version "+version, ", version "), nil
}}

// redisSpeed judges the answer that took so long from where the command runs.
func redisSpeed(answers string, took, timeout time.Duration) (string, error) {
	switch {
	case took > timeout:
		return "", Errorf(Failed, "use a Redis that is nearer, or raise AFTERCALL_REDIS_TIMEOUT, which may be "+redisguard.MaxTimeout.String(),
			"%s, which is longer than starter and worker wait for it (%s): they work without it", answers, timeout)
	case took > timeout/4:
		return fmt.Sprintf("%s: slow, but used, because AFTERCALL_REDIS_TIMEOUT is %s", answers, timeout), nil
	}
	return answers, nil
}

// targetsProbe finds targets that an operator must correct, and those whose
// circuit breaker is open in a worker.
var targetsProbe = probe{name: "targets", needs: redisProbe.name, run: func(ctx context.Context, d *Deps) (string, error) {
	cfg, err := d.Config()
	if err != nil {
		return "", err
	}
	_, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	receivers := targetNames(cfg.Targets)
	for _, app := range cfg.Apps {
		if app.Relay != nil {
			receivers = append(receivers, activities.RelayReceiver(app.Name))
		}
	}
	var wrong []string
	for _, name := range receivers {
		found, err := targetState(ctx, guard, name, d.now())
		if err != nil {
			return "", Errorf(Failed, "try again in some seconds", "Redis does not say which accept deliveries: %w", err)
		}
		wrong = append(wrong, found...)
	}
	if len(wrong) > 0 {
		return "", Errorf(Failed, "correct them or their settings: their deliveries wait, and go on when one succeeds; aftercall target test NAME tries it, aftercall resend --failed sends what was given up",
			"%s", strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("none of %d is held", len(receivers)), nil
}}

// targetState describes what is wrong with a target, by what the workers share.
func targetState(ctx context.Context, guard *redisguard.Guard, name string, now time.Time) ([]string, error) {
	problem, err := circuit.ProblemOf(ctx, guard, name)
	if err != nil {
		return nil, err
	}
	open, err := circuit.OpenFor(ctx, guard, name, now)
	if err != nil {
		return nil, err
	}
	var wrong []string
	if problem != (circuit.Problem{}) {
		wrong = append(wrong, fmt.Sprintf("%s has refused deliveries since %s: %s", name, problem.Since.UTC().Format(time.RFC3339), problem.Reason))
	}
	if open.Processes > 0 {
		wrong = append(wrong, fmt.Sprintf("%s is held after failures by %d workers until %s", name, open.Processes, open.Until.UTC().Format(time.TimeOnly)))
	}
	return wrong, nil
}

const temporalProbe = "temporal"

// temporalProbes run in this order: those after the first need it.
var temporalProbes = []probe{
	{name: temporalProbe, run: probeTemporal},
	{name: "retention", needs: temporalProbe, run: probeRetention},
	{name: "search attributes", needs: temporalProbe, run: probeSearchAttributes},
	{name: "workers", needs: temporalProbe, run: probeWorkers},
	{name: "failed calls", needs: temporalProbe, run: probeConflicts},
}

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
	c, namespace, err := d.Temporal()
	if err != nil {
		return "", err
	}
	retention, err := ask(ctx, func(ctx context.Context) (time.Duration, error) { return temporalclient.Retention(ctx, c, namespace) })
	switch {
	case err != nil:
		return "", d.temporalError(err)
	case retention <= dedupe.Retention:
		return "", Errorf(Failed, "temporal operator namespace update --namespace "+namespace+" --retention 10d",
			"closed workflows are kept for %s, not longer than the %s that Redis remembers a call", inDays(retention), inDays(dedupe.Retention))
	}
	return fmt.Sprintf("closed workflows are kept for %s, longer than the %s that Redis remembers a call", inDays(retention), inDays(dedupe.Retention)), nil
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
		return "", Errorf(Failed, "start a worker, with the same AFTERCALL_TASK_QUEUE as the starter; calls wait until then",
			"no worker polls the task queue %s", d.settings.TaskQueue)
	}
	return fmt.Sprintf("%d on the task queue %s", workers, d.settings.TaskQueue), nil
}

var ledgerProbe = probe{name: "ledger", run: func(ctx context.Context, d *Deps) (string, error) {
	l, err := d.Ledger(ctx)
	if err != nil {
		return "", err
	}
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, l.Ping(ctx) }); err != nil {
		return "", err
	}
	return d.settings.LedgerURL.String() + ", this release can use its tables", nil
}}

// inDays writes whole days as days, from two on.
func inDays(d time.Duration) string {
	if day := 24 * time.Hour; d > day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
