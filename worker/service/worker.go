package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/circuit"
	"aftercall/internal/clock"
	"aftercall/internal/config"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/internal/tracing"
	"aftercall/workflows"
)

const (
	// stopTimeout covers the longest attempt, a delivery of notify.RequestTimeout.
	stopTimeout = notify.RequestTimeout + 5*time.Second
	// maxConcurrent limits the tasks of one worker, and so its connections.
	maxConcurrent = 200
	// cachedWorkflows is how many waiting workflows stay in memory. A call that
	// does not have to wait needs no cache: it ends with its first workflow task.
	// After a long outage thousands of workflows are replayed when they continue,
	// which costs less than keeping them in memory.
	cachedWorkflows = 100
)

// newWorker returns a worker with all workflows and activities.
func newWorker(c client.Client, settings config.WorkerSettings, acts *activities.Activities, sweeps *activities.Sweeps) worker.Worker {
	worker.SetStickyWorkflowCacheSize(cachedWorkflows)
	w := worker.New(c, settings.TaskQueue, worker.Options{
		DeploymentOptions: deployment(settings),
		WorkerStopTimeout: stopTimeout,
		// As many as local activities, so that no workflow task waits for one.
		MaxConcurrentWorkflowTaskExecutionSize:  maxConcurrent,
		MaxConcurrentActivityExecutionSize:      maxConcurrent,
		MaxConcurrentLocalActivityExecutionSize: maxConcurrent,
		WorkflowTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	})
	workflows.Register(w, workflows.Dependencies{Activities: acts, Sweeps: sweeps})
	return w
}

// deployment makes the worker a version of a Worker Deployment, if it is to be one. A
// workflow may wait for days, and so moves to the version that is current: all code
// replays the histories of earlier releases.
func deployment(settings config.WorkerSettings) worker.DeploymentOptions {
	if settings.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: string(settings.Deployment), BuildID: string(settings.BuildID)},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// runWorker runs a worker until ctx ends, and then until its activities have ended.
// It runs none while the clock of this process is wrong by Temporal's: the SDK measures
// by it the deadlines that Temporal sets, and would give up every activity, which other
// workers can do. What has been stopped cannot be started again, so newWorker makes
// another one.
func runWorker(ctx context.Context, newWorker func() worker.Worker, clocks *clock.Watch, polling *atomic.Bool, logger *slog.Logger) error {
	for {
		if !clocks.Right(clock.Temporal) {
			logger.ErrorContext(ctx, "this worker takes no tasks, and leaves them to others, until its clock agrees with Temporal's: "+clock.Cure)
		}
		if !clocks.Await(ctx, clock.Temporal, true) {
			return nil
		}
		w := newWorker()
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		polling.Store(true)
		logger.InfoContext(ctx, "worker started")
		wrong := clocks.Await(ctx, clock.Temporal, false)
		polling.Store(false)
		w.Stop()
		if !wrong {
			return nil
		}
	}
}

// NewClients returns a client of Tencent's REST API for every app.
func NewClients(cfg *config.Config, traces *tracing.Tracing, limiter tencent.Limiter, now func() time.Time, reg prometheus.Registerer) map[tencent.SDKAppID]*tencent.Client {
	shared := traces.HTTPClient("record API", tencent.NewHTTPClient(maxConcurrent))
	observe := newRecordMetrics(reg)
	clients := make(map[tencent.SDKAppID]*tencent.Client, len(cfg.Apps))
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		clients[app.SDKAppID] = tencent.NewClient(tencent.ClientOptions{
			SDKAppID:   app.SDKAppID,
			BaseURL:    app.APIBaseURL(),
			Identifier: app.Identifier,
			SecretKey:  app.SecretKey.Reveal(),
			HTTP:       shared,
			Now:        now,
			Limiter:    limiter,
			Observe:    observe(app.Name),
		})
	}
	return clients
}

// newActivities returns the activities for all configured apps and targets.
func newActivities(
	cfg *config.Config, traces *tracing.Tracing, clients map[tencent.SDKAppID]*tencent.Client, ledger activities.Ledger, breakers *circuit.Breakers,
	clocks *clock.Watch, forget activities.ForgetCallbacks, fold activities.FoldReview, reg prometheus.Registerer,
) (*activities.Activities, error) {
	receivers := newReceivers(cfg, traces, breakers, clocks.Now)
	apps := make([]activities.App, len(cfg.Apps))
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		rater, err := app.Rater()
		if err != nil {
			return nil, err
		}
		relay, err := receivers.relay(app)
		if err != nil {
			return nil, fmt.Errorf("relay of %s: %w", app.Name, err)
		}
		apps[i] = activities.App{
			ID:      app.SDKAppID,
			Name:    app.Name,
			Rater:   rater,
			Records: clients[app.SDKAppID],
			Relay:   relay,
		}
	}
	targets, err := receivers.targets()
	if err != nil {
		return nil, err
	}
	acts := activities.New(apps, ledger, targets, forget, fold, reg)
	acts.UseClock(func() time.Time { return clocks.NowOf(clock.Temporal) })
	return acts, nil
}
