// Package service is the worker process: configuration, dependencies, the
// Temporal worker, and their ordered shutdown.
package service

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/admin"
	"aftercall/internal/clock"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/presence"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/serve"
	"aftercall/internal/telemetry"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tracing"
	"aftercall/worker/waiting"
	"aftercall/workflows"
)

// Run runs workflows and activities until ctx ends, then shuts down in order:
// listener, running activities, connection to Temporal, ledger.
// environ holds the process settings (see docs/configuration.md); log lines go
// to stderr.
func Run(ctx context.Context, environ map[string]string, stderr io.Writer) error {
	return run(ctx, environ, stderr, telemetry.NewRegistry())
}

func run(ctx context.Context, environ map[string]string, stderr io.Writer, reg *prometheus.Registry) error {
	settings, cfg, err := config.Worker(environ)
	if err != nil {
		return err
	}
	logs := telemetry.NewLogWriter(stderr, reg)
	defer logs.Close()
	logger := tracing.Correlate(telemetry.NewLogger(logs, string(settings.LogFormat), settings.LogLevel), workflows.CallIDOf)
	traces, err := tracing.Start(ctx, environ, "aftercall-worker", logger)
	if err != nil {
		return err
	}
	defer traces.Stop(ctx)

	edits := &editGuard{tariffs: cfg.Tariffs, accepted: settings.AcceptEditedTariff, logger: logger}
	pending := &pendingLedger{interval: tryWriteInterval, check: edits.start}
	defer pending.close()
	timed := newTimedLedger(edits, reg)
	rdb, err := redisguard.NewClient(settings.RedisURL.Reveal(), settings.RedisTimeout, redisguard.WithCertificates(settings.RedisCertificates()))
	if err != nil {
		return err
	}
	defer rdb.Close()
	if err := traces.InstrumentRedis(rdb); err != nil {
		return err
	}
	// Redis is used until the last activity has ended.
	guard := redisguard.New(context.WithoutCancel(ctx), rdb, reg, logger)
	defer guard.Close()
	metrics, err := telemetry.TemporalMetrics(reg, logger)
	if err != nil {
		return err
	}
	interceptors, err := traces.TemporalInterceptors()
	if err != nil {
		return err
	}
	temporal, namespace, err := temporalclient.NewClient(environ, metrics, logger, interceptors...)
	if err != nil {
		return err
	}
	defer temporal.Close()

	clocks := clock.NewWatch(
		time.Now, reg, logger,
		clock.Source{Name: clock.Temporal, Read: func(ctx context.Context) (time.Time, error) { return temporalclient.Now(ctx, temporal, namespace) }},
		clock.Source{Name: clock.Ledger, Read: pending.now}, clock.Source{Name: clock.Redis, Read: guard.Now},
	)
	temporalNow := func() time.Time { return clocks.NowOf(clock.Temporal) }
	tasks, err := NewTasks(cfg, Connections{
		Temporal: temporal, TaskQueue: settings.TaskQueue, Redis: guard, Ledger: timed, Clocks: clocks, Limiter: ratelimit.New(guard, reg), HTTP: traces.HTTPClient,
	}, reg, logger)
	if err != nil {
		return err
	}

	waitingCalls := waiting.New(temporal, temporalNow, reg, logger)
	log := newLedgerLog(settings, cfg, tasks.Calls, reg, logger)

	group, ctx := errgroup.WithContext(ctx)
	var polling atomic.Bool
	group.Go(func() error {
		var err error
		if timed.Ledger, err = pending.open(ctx, settings.LedgerURL.Reveal(), ledger.Options{Logger: logger, Traces: traces.ChildSpans()}, logger); timed.Ledger == nil {
			return err
		}
		group.Go(func() error {
			pending.watch(ctx, timed.Ledger, timed.observe, logger)
			return nil
		})
		// A workflow that corrects search attributes fails if they are not registered.
		prepare := func(ctx context.Context) bool {
			return temporalclient.Prepare(ctx, temporal, namespace, logger, workflows.SearchAttributes)
		}
		if !prepare(ctx) {
			return nil
		}
		group.Go(func() error {
			(&schedules{
				client: temporal, apps: cfg.Apps, taskQueue: settings.TaskQueue, take: settings.TakeSweeps, logger: logger, prepare: prepare,
				liveFor: temporalclient.LiveFor, interval: scheduleInterval, retry: scheduleRetryDelay, now: temporalNow,
			}).keep(ctx)
			return nil
		})
		group.Go(func() error {
			waitingCalls.Run(ctx)
			return nil
		})
		group.Go(func() error {
			tasks.sweeps.ExportProgress(ctx, logger)
			return nil
		})
		group.Go(func() error {
			log.run(ctx, timed.Ledger)
			return nil
		})
		clocks.Measure(ctx) // so that a worker whose clock is wrong takes no task
		return RunWorker(ctx, func() worker.Worker { return tasks.NewWorker(inDeployment(settings)) }, clocks, &polling, logger)
	})
	group.Go(func() error {
		clocks.Run(ctx)
		return nil
	})
	group.Go(func() error {
		presence.NewReporter(guard, presence.Worker, clocks.Ahead, nil).Run(ctx)
		return nil
	})
	group.Go(func() error {
		return serve.HTTP(ctx, logger, reg, 0, serve.Listener{
			Name: "admin", Address: settings.AdminListen,
			Handler: withCodec(settings, admin.Profiles(settings.Profiles, admin.Handler(
				reg, logger,
				admin.Check{Name: "temporal", Run: func(ctx context.Context) error { return temporalclient.Ping(ctx, temporal, namespace) }},
				admin.Check{Name: "worker", Run: admin.FlagSet(&polling, "not polling: waiting for Temporal and the ledger, or until the clock is right")},
				admin.Check{Name: "clock", Run: admin.NoProblem(clocks.Problem)},
				admin.Check{Name: "ledger", Run: pending.ready},
				admin.Check{Name: "redis", Optional: true, Run: guard.Ping},
			)), reg, logger),
		})
	})
	err = group.Wait()
	logger.Info("stopped")
	return err
}
