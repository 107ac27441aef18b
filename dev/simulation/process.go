package simulation

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc"

	"aftercall/activities"
	"aftercall/internal/clock"
	"aftercall/internal/dedupe"
	"aftercall/internal/evidence"
	"aftercall/internal/redisguard"
	"aftercall/internal/telemetry"
	"aftercall/starter/callback"
	starterservice "aftercall/starter/service"
	workerservice "aftercall/worker/service"
	"aftercall/workflows/launch"
)

const (
	taskQueue = "aftercall"
	// unlimited is a rate, and pollers are so many that a task does not wait for one.
	unlimited = 1e18
	pollers   = 20
)

// process is one life of a starter and a worker.
type process struct {
	redis    *redis.Client
	guard    *redisguard.Guard
	temporal client.Client
	// starterClocks and workerClocks compare the clocks of the machines with others.
	starterClocks, workerClocks *clock.Watch
	receiver                    *callback.Handler
	events                      *evidence.Writer
	tasks                       *workerservice.Tasks
	stop                        context.CancelFunc
	ended                       chan error
}

// boot starts a starter and a worker, wired by the services.
func (w *World) boot(ctx context.Context) error {
	p, reg := &process{ended: make(chan error, 1)}, telemetry.NewRegistry()
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
		HostPort: "passthrough:///model", Namespace: "default", Logger: sdklog.NewStructuredLogger(w.logger),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{w.temporal.DialOption()}},
	}); err != nil {
		return err
	}
	p.starterClocks = clock.NewWatch(w.starterClock.now, telemetry.NewRegistry(), w.logger, w.clockSources(p)...)
	p.workerClocks = clock.NewWatch(w.workerClock.now, reg, w.logger, w.clockSources(p)...)
	calls := launch.NewCalls(p.temporal, taskQueue).WithClock(func() time.Time { return p.starterClocks.NowOf(clock.Temporal) })
	claims := dedupe.New(p.guard, w.config.DedupeWindow, p.starterClocks.Now, reg)
	p.receiver = callback.New(starterservice.Apps(w.config), claims, callback.Limits{}, notedStarter{starterSeam{calls}, w}, reg, w.logger)
	p.receiver.UseClock(p.starterClocks.Now)
	events := eventsSeam{w.events, w.plan}
	p.events = evidence.NewWriter(ctx, events.open, w.logger)
	p.receiver.KeepEvidence(p.events, reg)
	if p.tasks, err = workerservice.NewTasks(w.config, workerservice.Connections{
		Temporal: p.temporal, TaskQueue: taskQueue, Redis: p.guard, Ledger: notedLedger{ledgerSeam{w.ledger, w.plan}, w},
		Evidence: events, Clocks: p.workerClocks, HTTP: w.http,
		Sweep: func(calls activities.SweepCalls) activities.SweepCalls { return notedSweep{calls, w} },
	}, reg, w.logger); err != nil {
		return err
	}
	w.process = p
	p.starterClocks.Measure(ctx)
	p.workerClocks.Measure(ctx)
	ctx, p.stop = context.WithCancel(ctx)
	go func() {
		p.ended <- workerservice.RunWorker(ctx, func() worker.Worker { return p.tasks.NewWorker(w.simulated) }, p.workerClocks, &atomic.Bool{}, w.logger)
	}()
	return nil
}

// simulated changes the options of a worker.
func (w *World) simulated(o *worker.Options) {
	// Without limits, which would decide by the order of goroutines who waits for some
	// microseconds.
	o.WorkerActivitiesPerSecond, o.WorkerLocalActivitiesPerSecond = unlimited, unlimited
	o.WorkflowTaskPollerBehavior, o.ActivityTaskPollerBehavior = nil, nil
	o.MaxConcurrentWorkflowTaskPollers, o.MaxConcurrentActivityTaskPollers = pollers, pollers
	o.Interceptors = []interceptor.WorkerInterceptor{&activitySeam{plan: w.plan}}
}

// http brings the requests of the worker to what is simulated.
func (w *World) http(purpose string, c *http.Client) *http.Client {
	simulated := *c
	simulated.Transport = roundTripper(w.notify)
	if purpose == workerservice.ForRecords {
		simulated.Transport = roundTripper(w.askTencent)
	}
	return &simulated
}

// halt ends the processes, and waits for what they are doing.
func (w *World) halt() error {
	p := w.process
	p.stop()
	if err := <-p.ended; err != nil {
		return err
	}
	worker.PurgeStickyWorkflowCache()
	p.receiver.Close()
	if err := p.events.Close(); err != nil {
		return err
	}
	p.guard.Close()
	p.temporal.Close()
	return p.redis.Close()
}
