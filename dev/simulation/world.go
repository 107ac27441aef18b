package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc"

	"aftercall/activities"
	"aftercall/dev/simulation/agenda"
	"aftercall/dev/simulation/servermodel"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/circuit"
	"aftercall/internal/config"
	"aftercall/internal/dedupe"
	"aftercall/internal/ledger"
	"aftercall/internal/redisguard"
	"aftercall/internal/telemetry"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

const (
	taskQueue = "aftercall"
	// unlimited is a rate, and pollers are so many that a task does not wait for one.
	unlimited = 1e18
	pollers   = 20
)

// World is the whole system in one process, with what is outside of it.
type World struct {
	plan   *Plan
	agenda *agenda.Agenda
	trace  *Trace
	config *config.Config
	logger *slog.Logger

	temporal *servermodel.Server
	redis    *redisSeam
	ledger   *ledger.Ledger
	tencent  *tencentsim.Simulator
	targets  *webhookreceiver.Receiver

	// process is the starter and the worker that run now.
	process *process

	mu sync.Mutex // guards the following
	evidence
}

// process is one life of a starter and a worker.
type process struct {
	redis    *redis.Client
	guard    *redisguard.Guard
	temporal client.Client
	calls    launch.Calls
	receiver *callback.Handler
	worker   worker.Worker
}

// newWorld opens everything but the processes. ledgerFile is an empty ledger.
func newWorld(ctx context.Context, plan *Plan, night night, ledgerFile string) (*World, error) {
	w := &World{plan: plan, agenda: agenda.New(), trace: &Trace{}, logger: slog.New(slog.DiscardHandler), evidence: newEvidence()}
	var err error
	if w.config, err = parseConfiguration(night.sweepEvery.String()); err != nil {
		return nil, err
	}
	w.temporal = servermodel.New(servermodel.Options{Agenda: w.agenda, Faults: temporalSeam{plan}, Retention: night.retention, Trace: w.trace.add, Completed: w.completed})
	w.redis = &redisSeam{plan: plan, redis: miniredis.NewMiniRedis(), moved: time.Now()}
	if w.ledger, err = ledger.Open(ctx, "sqlite:"+ledgerFile, ledger.Options{}); err != nil {
		return nil, err
	}
	if err := w.openTencent(ctx); err != nil {
		return nil, err
	}
	receiver := webhookreceiver.Options{Keep: 1}
	for _, target := range targets {
		receiver.Targets = append(receiver.Targets, webhookreceiver.Target{Name: target.Name, Secret: webhookSecret})
	}
	w.targets, err = webhookreceiver.New(receiver)
	return w, err
}

// openTencent makes a Tencent that posts its callbacks to the starter.
func (w *World) openTencent(ctx context.Context) error {
	options := tencentsim.Options{Callbacks: roundTripper(w.callBack)}
	for _, app := range w.config.Apps {
		options.Apps = append(options.Apps, tencentsim.App{SDKAppID: app.SDKAppID, SecretKey: secretKey})
	}
	var err error
	if w.tencent, err = tencentsim.New(ctx, options); err != nil {
		return err
	}
	for i := range w.config.Apps {
		app := &w.config.Apps[i]
		c := w.client(app, &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return serve(w.tencent, r), nil })})
		if err := c.SetCallback(ctx, tencent.CallbackConfig{
			URL: "https://starter.example" + callback.PathPrefix + app.Callback.Secret.Reveal(), Commands: []tencent.Command{tencent.CommandAfterEndCall},
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) client(app *config.App, over *http.Client) *tencent.Client {
	return tencent.NewClient(tencent.ClientOptions{
		SDKAppID: app.SDKAppID, BaseURL: app.APIBaseURL(), Identifier: app.Identifier, SecretKey: app.SecretKey.Reveal(), HTTP: over,
	})
}

// boot starts a starter and a worker, with the wiring of the services.
func (w *World) boot(ctx context.Context) error {
	p, reg := &process{}, telemetry.NewRegistry()
	var err error
	// One connection is enough: the guard uses each every half minute.
	if p.redis, err = redisguard.NewClient("redis://memory", redisguard.PatientTimeout, func(o *redis.Options) error {
		o.Dialer = w.redis.dial
		return nil
	}); err != nil {
		return err
	}
	p.redis.AddHook(w.redis)
	p.guard = redisguard.New(ctx, p.redis, reg, w.logger)
	if p.temporal, err = client.NewLazyClient(client.Options{
		HostPort: "passthrough:///model", Namespace: "default", Logger: discardLogs{}, ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{w.temporal.DialOption()}},
	}); err != nil {
		return err
	}
	p.calls = launch.NewCalls(p.temporal, taskQueue)
	p.receiver = callback.New(w.callbackApps(), dedupe.New(p.guard, reg), callback.Limits{}, starterSeam{p.calls}, reg, w.logger)
	acts, sweeps, err := w.activities(p, reg)
	if err != nil {
		return err
	}
	worker.SetStickyWorkflowCacheSize(100)
	p.worker = worker.New(p.temporal, taskQueue, worker.Options{
		WorkerStopTimeout: time.Minute, DisableRegistrationAliasing: true,
		// Without limits, which would decide by the order of goroutines who waits for
		// some microseconds.
		WorkerActivitiesPerSecond: unlimited, WorkerLocalActivitiesPerSecond: unlimited,
		MaxConcurrentWorkflowTaskPollers: pollers, MaxConcurrentActivityTaskPollers: pollers,
		Interceptors: []interceptor.WorkerInterceptor{&activitySeam{plan: w.plan}},
	})
	workflows.Register(p.worker, workflows.Dependencies{Activities: acts, Sweeps: sweeps})
	w.process = p
	return p.worker.Start()
}

// halt ends the processes, and waits for what they are doing.
func (w *World) halt() error {
	p := w.process
	p.worker.Stop()
	worker.PurgeStickyWorkflowCache()
	p.receiver.Close()
	p.guard.Close()
	p.temporal.Close()
	return p.redis.Close()
}

func (w *World) callbackApps() []callback.App {
	var apps []callback.App
	for _, app := range w.config.Apps {
		apps = append(apps, callback.App{
			ID: app.SDKAppID, Name: app.Name, Secrets: []string{app.Callback.Secret.Reveal()}, RecordDeadline: app.RecordDeadline,
		})
	}
	return apps
}

// activities are those of the worker, with seams in place of connections.
func (w *World) activities(p *process, reg prometheus.Registerer) (*activities.Activities, *activities.Sweeps, error) {
	books := ledgerSeam{w.ledger, w.plan}
	var apps []activities.App
	var sweepApps []activities.SweepApp
	for i := range w.config.Apps {
		app := &w.config.Apps[i]
		rater, err := app.Rater()
		if err != nil {
			return nil, nil, err
		}
		records := w.client(app, &http.Client{Timeout: 5 * time.Second, Transport: roundTripper(w.askTencent)})
		apps = append(apps, activities.App{ID: app.SDKAppID, Name: app.Name, Records: records, Rater: rater})
		sweepApps = append(sweepApps, activities.SweepApp{
			ID: app.SDKAppID, Name: app.Name, Records: records, Settings: app.Sweep.Settings(), Every: time.Duration(app.Sweep.Every),
			GoLive: app.GoLive, RecordDeadline: app.RecordDeadline,
		})
	}
	breakers := circuit.New(p.guard, time.Now, reg, w.logger)
	var receivers []activities.Target
	for _, target := range w.config.Targets {
		sender, problems := w.config.Sender(target, &http.Client{Timeout: 10 * time.Second, Transport: roundTripper(w.notify)}, time.Now)
		if len(problems) > 0 {
			return nil, nil, fmt.Errorf("target %s: %v", target.Name, problems)
		}
		receivers = append(receivers, activities.Target{
			Receiver:     activities.Receiver{Name: target.Name, RetryWindow: target.RetryWindow, Circuit: breakers.For(target.Name, target.BreakerCooldown, 20)},
			Subscription: target.Subscription(), Sender: sender,
		})
	}
	forget := func(ctx context.Context, app tencent.SDKAppID, callID string) error {
		return dedupe.Forget(ctx, p.guard, app, callID)
	}
	return activities.New(apps, books, receivers, forget, p.calls.FoldReview, reg), activities.NewSweeps(sweepApps, books, sweepSeam{p.calls}, reg), nil
}

// close ends what boot did not begin.
func (w *World) close() error {
	w.temporal.Close()
	if err := w.halt(); err != nil {
		return err
	}
	w.redis.redis.Close()
	if err := w.tencent.Close(); err != nil {
		return err
	}
	return w.ledger.Close()
}

// discardLogs is a logger of the SDK that logs nothing.
type discardLogs struct{}

// Debug implements log.Logger.
func (discardLogs) Debug(string, ...any) {}

// Info implements log.Logger.
func (discardLogs) Info(string, ...any) {}

// Warn implements log.Logger.
func (discardLogs) Warn(string, ...any) {}

// Error implements log.Logger.
func (discardLogs) Error(string, ...any) {}

// ledgerPath is the ledger of one run.
func ledgerPath(folder string) string { return filepath.Join(folder, "ledger.db") }

// appName is the configured name of an app.
func (w *World) appName(id tencent.SDKAppID) string {
	for _, app := range w.config.Apps {
		if app.SDKAppID == id {
			return app.Name
		}
	}
	return ""
}
