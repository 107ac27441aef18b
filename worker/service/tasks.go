package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"aftercall/activities"
	"aftercall/internal/circuit"
	"aftercall/internal/clock"
	"aftercall/internal/config"
	"aftercall/internal/dedupe"
	"aftercall/internal/notify"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

const (
	// StopTimeout is how long a worker that stops waits for what it has begun. It
	// covers the longest attempt, a delivery of notify.RequestTimeout.
	StopTimeout = notify.RequestTimeout + 5*time.Second
	// maxConcurrent limits the tasks of one worker, and so its connections.
	maxConcurrent = 200
	// cachedWorkflows is how many waiting workflows stay in memory. A call that
	// does not have to wait needs no cache: it ends with its first workflow task.
	// After a long outage thousands of workflows are replayed when they continue,
	// which costs less than keeping them in memory.
	cachedWorkflows = 100
)

// Ledger is what workflows and activities use of the ledger.
type Ledger interface {
	activities.Ledger
	activities.SweepLedger
	activities.AuditLedger
}

// Connections are what the tasks of a worker work with. Those of the process are made
// by Run; a simulation has others.
type Connections struct {
	Temporal  client.Client
	TaskQueue string
	Redis     *redisguard.Guard
	Ledger    Ledger
	// Evidence is nil if no call is charged by evidence.
	Evidence activities.Evidence
	Clocks   *clock.Watch
	// Limiter holds back requests to Tencent's REST API; nil permits all.
	Limiter tencent.Limiter
	// HTTP returns the client to use in place of c, for the record API or for deliveries.
	HTTP func(purpose string, c *http.Client) *http.Client
	// Sweep, unless it is nil, returns what the sweeps start calls with.
	Sweep func(activities.SweepCalls) activities.SweepCalls
	// AuditStore opens the store of the evidence for an audit; nil where there is none.
	AuditStore func(context.Context) (activities.AuditStore, error)
}

// The purposes of HTTP clients.
const (
	ForRecords    = "record API"
	ForDeliveries = "deliver"
)

// Tasks are the workflows and activities of a worker.
type Tasks struct {
	Connections
	Calls      launch.Calls
	activities *activities.Activities
	sweeps     *activities.Sweeps
	audits     *activities.Audits
}

// NewTasks returns the workflows and activities for all configured apps and targets.
func NewTasks(cfg *config.Config, c Connections, reg prometheus.Registerer, logger *slog.Logger) (*Tasks, error) {
	temporalNow := func() time.Time { return c.Clocks.NowOf(clock.Temporal) }
	t := &Tasks{Connections: c, Calls: launch.NewCalls(c.Temporal, c.TaskQueue).WithClock(temporalNow)}
	clients := newClients(cfg, c, reg)
	receivers := newReceivers(cfg, c.HTTP, circuit.New(c.Redis, c.Clocks.Now, reg, logger), c.Clocks.Now)
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
		apps[i] = activities.App{ID: app.SDKAppID, Name: app.Name, Rater: rater, WithoutRecord: app.WithoutRecord, Records: clients[app.SDKAppID], Relay: relay}
	}
	targets, err := receivers.targets()
	if err != nil {
		return nil, err
	}
	forget := func(ctx context.Context, app tencent.SDKAppID, callID string) error {
		return dedupe.Forget(ctx, c.Redis, c.Clocks.Now(), app, callID)
	}
	t.activities = activities.New(apps, c.Ledger, targets, forget, t.Calls.FoldReview, reg)
	t.activities.UseClock(temporalNow)
	t.activities.ReadEvidence(c.Evidence, cfg.EvidenceWait())
	var started activities.SweepCalls = sweepCalls{t.Calls}
	if c.Sweep != nil {
		started = c.Sweep(started)
	}
	t.sweeps = activities.NewSweeps(sweepApps(cfg, clients), c.Ledger, started, reg)
	var audited []activities.AuditApp
	if c.AuditStore != nil {
		audited = auditApps(cfg, clients)
	}
	t.audits = activities.NewAudits(audited, c.Ledger, c.AuditStore, cfg.AuditReach(), reg)
	return t, nil
}

// newClients returns a client of Tencent's REST API for every app.
func newClients(cfg *config.Config, c Connections, reg prometheus.Registerer) map[tencent.SDKAppID]*tencent.Client {
	shared := c.HTTP(ForRecords, tencent.NewHTTPClient(maxConcurrent))
	observe := newRecordMetrics(reg)
	clients := make(map[tencent.SDKAppID]*tencent.Client, len(cfg.Apps))
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		clients[app.SDKAppID] = tencent.NewClient(tencent.ClientOptions{
			SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier, SecretKey: app.SecretKey.Reveal(),
			HTTP: shared, Now: c.Clocks.Now, Limiter: c.Limiter, Observe: observe(app.Name),
		})
	}
	return clients
}

// NewWorker returns a worker that does the tasks. change, unless it is nil, changes its
// options.
func (t *Tasks) NewWorker(change func(*worker.Options)) worker.Worker {
	worker.SetStickyWorkflowCacheSize(cachedWorkflows)
	options := worker.Options{
		WorkerStopTimeout: StopTimeout,
		// As many as local activities, so that no workflow task waits for one.
		MaxConcurrentWorkflowTaskExecutionSize:  maxConcurrent,
		MaxConcurrentActivityExecutionSize:      maxConcurrent,
		MaxConcurrentLocalActivityExecutionSize: maxConcurrent,
		WorkflowTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	}
	if change != nil {
		change(&options)
	}
	w := worker.New(t.Temporal, t.TaskQueue, options)
	workflows.Register(w, workflows.Dependencies{Activities: t.activities, Sweeps: t.sweeps, Audits: t.audits})
	return w
}
