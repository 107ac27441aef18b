package operator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/activities"
	"aftercall/internal/circuit"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/dedupe"
	"aftercall/internal/ledger"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

var redisProbe = probe{name: "redis", ask: func(ctx context.Context, t *tools) (string, error) {
	took, err := ask(ctx, func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		err := t.guard.Ping(ctx)
		return time.Since(start), err
	})
	if err != nil {
		return "", cli.Errorf(cli.Failed, "is Redis up, and not full or read-only? Calls are handled without it, but every duplicate costs Temporal a request",
			"%s takes no writes: %w", t.settings.RedisURL, err)
	}
	detail := fmt.Sprintf("%s answers in %s", t.settings.RedisURL, took.Round(100*time.Microsecond))
	info, err := t.redis.InfoMap(ctx, "server").Result()
	if err != nil { // not every service allows it
		return detail, nil
	}
	version := info["Server"]["redis_version"]
	if major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); err == nil && major < 7 {
		return "", cli.Errorf(cli.Failed, "use Redis 7.0 or newer", "%s is Redis %s", t.settings.RedisURL, version)
	}
	return strings.TrimSuffix(detail+", version "+version, ", version "), nil
}}

// targetsProbe looks for receivers that workers have paused.
var targetsProbe = probe{name: "targets", needs: redisProbe.name, ask: func(ctx context.Context, t *tools) (string, error) {
	receivers := targetNames(t.config.Targets)
	for _, app := range t.config.Apps {
		if app.Relay != nil {
			receivers = append(receivers, activities.RelayReceiver(app.Name))
		}
	}
	var paused []string
	for _, name := range receivers {
		pauses, err := circuit.Paused(ctx, t.guard, name, time.Now())
		switch {
		case err != nil:
			return "", cli.Errorf(cli.Failed, "try again in some seconds", "Redis cannot say which are paused: %w", err)
		case pauses.Processes > 0:
			paused = append(paused, fmt.Sprintf("%s by %d workers until %s", name, pauses.Processes, pauses.Until.UTC().Format(time.TimeOnly)))
		}
	}
	if len(paused) > 0 {
		return "", cli.Errorf(cli.Failed, "mend them: their events wait, and are sent when one that tests them is taken; what is given up is sent by starter resend --failed",
			"paused after failures: %s", strings.Join(paused, ", "))
	}
	return fmt.Sprintf("none of %d is paused", len(receivers)), nil
}}

const temporalProbe = "temporal"

// temporalProbes are asked in this order: what follows the first needs it.
var temporalProbes = []probe{
	{name: temporalProbe, ask: func(ctx context.Context, t *tools) (string, error) {
		info, err := ask(ctx, func(ctx context.Context) (*workflowservice.GetSystemInfoResponse, error) {
			if err := temporalclient.Ping(ctx, t.temporal, t.namespace); err != nil {
				return nil, err
			}
			return t.temporal.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
		})
		if err != nil {
			return "", t.temporalError(err)
		}
		return "namespace " + t.namespace + ", server " + info.GetServerVersion(), nil
	}},
	{name: "retention", needs: temporalProbe, ask: func(ctx context.Context, t *tools) (string, error) {
		retention, err := ask(ctx, func(ctx context.Context) (time.Duration, error) {
			return temporalclient.Retention(ctx, t.temporal, t.namespace)
		})
		switch {
		case err != nil:
			return "", t.temporalError(err)
		case retention <= dedupe.Retention:
			return "", cli.Errorf(cli.Failed, "temporal operator namespace update --namespace "+t.namespace+" --retention 10d",
				"closed workflows are kept for %s, not longer than the %s that Redis remembers a call", days(retention), days(dedupe.Retention))
		}
		return fmt.Sprintf("closed workflows are kept for %s, longer than the %s that Redis remembers a call", days(retention), days(dedupe.Retention)), nil
	}},
	{name: "search attributes", needs: temporalProbe, ask: func(ctx context.Context, t *tools) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, partTimeout)
		defer cancel()
		missing, known, err := temporalclient.MissingAttributes(ctx, t.temporal, t.namespace, workflows.SearchAttributes)
		switch {
		case err != nil:
			return "", cli.Errorf(cli.Failed, "temporal operator search-attribute list shows what there is", "%w", err)
		case !known:
			return "cannot be seen here: make sure that all are registered", nil
		case len(missing) > 0:
			return "", cli.Errorf(cli.Failed, "start the worker, which registers them, or use temporal operator search-attribute create --type Keyword --name …",
				"missing: %s", strings.Join(missing, ", "))
		}
		return fmt.Sprintf("all %d are registered", len(workflows.SearchAttributes)), nil
	}},
	{name: "workers", needs: temporalProbe, ask: func(ctx context.Context, t *tools) (string, error) {
		queue, err := ask(ctx, func(ctx context.Context) (*workflowservice.DescribeTaskQueueResponse, error) {
			return t.temporal.DescribeTaskQueue(ctx, t.settings.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		})
		switch {
		case err != nil:
			return "", t.temporalError(err)
		case len(queue.GetPollers()) == 0:
			return "", cli.Errorf(cli.Failed, "start a worker, with the same AFTERCALL_TASK_QUEUE as the starter; calls wait until then",
				"nobody polls the task queue %s", t.settings.TaskQueue)
		}
		workers := map[string]bool{}
		for _, poller := range queue.GetPollers() {
			workers[poller.GetIdentity()] = true
		}
		return fmt.Sprintf("%d on the task queue %s", len(workers), t.settings.TaskQueue), nil
	}},
}

var ledgerProbe = probe{name: "ledger", ask: func(ctx context.Context, t *tools) (string, error) {
	if _, err := ask(ctx, func(ctx context.Context) (struct{}, error) {
		book, err := t.ledger(ctx)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, errors.Join(book.Ping(ctx), book.Close())
	}); err != nil {
		return "", err
	}
	return t.settings.LedgerURL.String() + ", its tables are of this release", nil
}}

// appProbes are asked of every app.
var appProbes = []appProbe{
	{"sweep", sweepProbe},
	{"record api", recordProbe},
	{"callback", callbackProbe},
}

// lag is how far behind a sweep may be, beyond its interval and settle delay,
// before it is red: a few runs, or the time that one may take.
const lag = 30 * time.Minute

// scheduleTimeout is how long Temporal may take to describe a schedule. Unlike
// other answers, it comes from a workflow, which must be asked first.
const scheduleTimeout = 15 * time.Second

// sweepProbe looks whether the sweep is scheduled and how far it has come.
func sweepProbe(ctx context.Context, t *tools, app *config.App) (string, error) {
	every := time.Duration(app.Sweep.Every)
	if every == 0 {
		return "off, as configured: calls whose callback is lost are not found", nil
	}
	ctx, cancel := context.WithTimeout(ctx, scheduleTimeout)
	defer cancel()
	pingCtx, cancelPing := context.WithTimeout(ctx, partTimeout)
	defer cancelPing()
	if err := temporalclient.Ping(pingCtx, t.temporal, t.namespace); err != nil {
		return "", t.temporalError(err)
	}
	id := workflows.SweepID(app.SDKAppID)
	schedule, err := t.temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	switch {
	case errors.As(err, new(*serviceerror.NotFound)):
		return "", cli.Errorf(cli.Failed, "start the worker, which makes it", "there is no schedule %s", id)
	case err != nil:
		return "", t.temporalError(err)
	case schedule.Schedule.State != nil && schedule.Schedule.State.Paused:
		return "", cli.Errorf(cli.Failed, "temporal schedule toggle --unpause --schedule-id "+id, "the schedule %s is paused: %s", id, schedule.Schedule.State.Note)
	}
	book, err := t.ledger(ctx)
	if err != nil {
		return "", err
	}
	defer book.Close()
	return sweepProgress(ctx, app, book, time.Now())
}

func sweepProgress(ctx context.Context, app *config.App, book *ledger.Ledger, now time.Time) (string, error) {
	to, err := book.SweptTo(ctx, app.SDKAppID)
	every := time.Duration(app.Sweep.Every)
	switch {
	case err != nil:
		return "", err
	case to.IsZero():
		return fmt.Sprintf("every %s, no run has ended yet", every), nil
	case now.Sub(to) > every+app.Sweep.Settle+lag:
		return "", cli.Errorf(cli.Failed, "look at the runs of "+workflows.SweepID(app.SDKAppID)+" in Temporal's Web UI; the next that succeeds makes up for all",
			"all calls are listed up to %s only, %s ago", to.Format(time.RFC3339), now.Sub(to).Round(time.Minute))
	}
	return fmt.Sprintf("every %s, all calls up to %s are listed", every, to.Format(time.RFC3339)), nil
}

// recordProbe asks for the calls of the last minute, which needs all that
// reading a record needs.
func recordProbe(ctx context.Context, t *tools, app *config.App) (string, error) {
	start := time.Now()
	if _, err := ask(ctx, func(ctx context.Context) (tencent.RecordPage, error) {
		return t.tencent(app).Records(ctx, tencent.RecordFilter{
			StartTime: start.Add(-time.Minute).Unix(), EndTime: start.Unix(), Page: 1, NumberPerPage: 1,
		})
	}); err != nil {
		return "", tencentError(app, err)
	}
	return fmt.Sprintf("%s answers in %s and takes the credentials", app.APIBaseURL(), time.Since(start).Round(time.Millisecond)), nil
}

// callbackProbe compares the registered callback with the configured one.
func callbackProbe(ctx context.Context, t *tools, app *config.App) (string, error) {
	have, err := registered(ctx, t, app)
	if err != nil {
		return "", err
	}
	r := registration{app, have, configured(app)}
	if differences := r.differences(false); len(differences) > 0 {
		return "", cli.Errorf(cli.Failed, "starter callback set --app "+app.Name, "%s", strings.Join(differences, "; "))
	}
	return shown(app, have.URL, false), nil
}

// coarse shows hours, and what is shorter in full.
func coarse(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return d.Round(time.Second).String()
}

// days shows whole days as days, from two on.
func days(d time.Duration) string {
	if day := 24 * time.Hour; d > day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
