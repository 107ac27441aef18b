package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/circuit"
	"aftercall/internal/config"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/internal/tracing"
	"aftercall/workflows"
)

const (
	// stopTimeout covers the longest attempt, a delivery of notify.RequestTimeout.
	stopTimeout = notify.RequestTimeout + 5*time.Second
	// maxConcurrent bounds what one worker does at once, and so its connections.
	maxConcurrent = 200
	// cachedWorkflows is of how many calls in trouble the worker keeps the state.
	// A call without trouble needs none: it ends with its first workflow task.
	// Those of a long outage are replayed when they go on, for less than what
	// the state of thousands takes.
	cachedWorkflows = 100
)

// newWorker returns a worker with everything registered under the names that
// histories know.
func newWorker(c client.Client, taskQueue string, acts *activities.Activities, sweeps *activities.Sweeps) worker.Worker {
	worker.SetStickyWorkflowCacheSize(cachedWorkflows)
	w := worker.New(c, taskQueue, worker.Options{
		WorkerStopTimeout: stopTimeout,
		// As many as local activities, so that none waits for its turn within a workflow task.
		MaxConcurrentWorkflowTaskExecutionSize:  maxConcurrent,
		MaxConcurrentActivityExecutionSize:      maxConcurrent,
		MaxConcurrentLocalActivityExecutionSize: maxConcurrent,
		WorkflowTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	})
	Register(w, acts, sweeps)
	return w
}

// Registry takes workflows and activities: a worker, or a replayer's stand-in.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register registers the workflows and activities of this project.
func Register(r Registry, acts *activities.Activities, sweeps *activities.Sweeps) {
	r.RegisterWorkflowWithOptions(workflows.AfterCall, workflow.RegisterOptions{Name: workflows.AfterCallName})
	r.RegisterWorkflowWithOptions(workflows.Deliver, workflow.RegisterOptions{Name: workflows.DeliverName})
	r.RegisterWorkflowWithOptions(workflows.Relay, workflow.RegisterOptions{Name: workflows.RelayName})
	r.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: workflows.ReconcileName})
	r.RegisterActivityWithOptions(sweeps.PlanSweep, activity.RegisterOptions{Name: "PlanSweep"})
	r.RegisterActivityWithOptions(sweeps.SweepWindow, activity.RegisterOptions{Name: "SweepWindow"})
	r.RegisterActivityWithOptions(acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	r.RegisterActivityWithOptions(acts.Charge, activity.RegisterOptions{Name: "Charge"})
	r.RegisterActivityWithOptions(acts.OpenReview, activity.RegisterOptions{Name: "OpenReview"})
	r.RegisterActivityWithOptions(acts.Forward, activity.RegisterOptions{Name: "Forward"})
	r.RegisterActivityWithOptions(acts.Notify, activity.RegisterOptions{Name: "Notify"})
	r.RegisterActivityWithOptions(acts.Subscribers, activity.RegisterOptions{Name: "Subscribers"})
}

// poll runs the worker until ctx ends, and then until its activities have ended.
func poll(ctx context.Context, w worker.Worker, polling *atomic.Bool, logger *slog.Logger) error {
	if err := w.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	polling.Store(true)
	logger.Info("worker started")
	<-ctx.Done()
	polling.Store(false)
	w.Stop()
	return nil
}

// NewClients returns a client of Tencent's REST API for every app.
func NewClients(cfg *config.Config, traces *tracing.Tracing, limiter tencent.Limiter, reg prometheus.Registerer) map[tencent.SDKAppID]*tencent.Client {
	shared := traces.HTTP("record API", tencent.NewHTTPClient(maxConcurrent))
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
			Limiter:    limiter,
			Observe:    observe(app.Name),
		})
	}
	return clients
}

// newActivities gives every app its client, tariff and relay, and all of them the targets.
func newActivities(
	cfg *config.Config, traces *tracing.Tracing, clients map[tencent.SDKAppID]*tencent.Client, book activities.Ledger, circuits *circuit.Circuits, reg prometheus.Registerer,
) (*activities.Activities, error) {
	receivers := newReceivers(cfg, traces, circuits)
	apps := make([]activities.App, len(cfg.Apps))
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		rater, err := billing.NewRater(app.Tariff, app.PriceList())
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
	return activities.New(apps, book, targets, reg), nil
}
