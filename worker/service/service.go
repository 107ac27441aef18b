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

	"aftercall/activities"
	"aftercall/internal/admin"
	"aftercall/internal/clock"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
	"aftercall/internal/presence"
	"aftercall/internal/process"
	"aftercall/internal/ratelimit"
	"aftercall/internal/serve"
	"aftercall/internal/telemetry"
	"aftercall/internal/temporalclient"
	"aftercall/worker/waiting"
	"aftercall/workflows"
)

// Run runs workflows and activities until ctx ends, then shuts down in order:
// listener, running activities, ledger, connections.
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
	p, err := process.Open(ctx, process.Options{
		Environ: environ, Settings: settings.Common, Service: "aftercall-worker", CallIDOf: workflows.CallIDOf, Stderr: stderr, Registry: reg,
	})
	if err != nil {
		return err
	}
	defer p.Close()
	temporal, namespace, logger := p.Temporal, p.Namespace, p.Logger

	edits := &editGuard{tariffs: cfg.Tariffs, accepted: settings.AcceptEditedTariff, logger: logger}
	pending := &pendingLedger{interval: tryWriteInterval, check: edits.start}
	defer pending.close()
	timed := newTimedLedger(edits, reg)
	clocks := p.Clocks(clock.Source{Name: clock.Ledger, Read: pending.now})
	temporalNow := func() time.Time { return clocks.NowOf(clock.Temporal) }
	seen := newPendingEvidence(cfg, settings.LedgerURL, logger)
	defer seen.close()
	evidenceURL := cfg.EvidenceURL(settings.LedgerURL).Reveal()
	tasks, err := NewTasks(cfg, Connections{
		Temporal: temporal, TaskQueue: settings.TaskQueue, Redis: p.Redis, Ledger: timed, Evidence: seen.reader(), Clocks: clocks,
		Limiter: ratelimit.New(p.Redis, reg), HTTP: p.Traces.HTTPClient,
		AuditStore: func(ctx context.Context) (activities.AuditStore, error) {
			return evidence.Open(ctx, evidenceURL, ledger.Options{Logger: logger})
		},
	}, reg, logger)
	if err != nil {
		return err
	}

	waitingCalls := waiting.New(temporal, temporalNow, reg, logger)
	log := newLedgerLog(settings, cfg, tasks.Calls, reg, logger)

	var old *retention
	if cfg.DeletesEvidence() {
		old = newRetention(evidenceURL, cfg.EvidenceRetention(), clocks.Now, reg, logger)
	}

	group, ctx := errgroup.WithContext(ctx)
	var polling atomic.Bool
	group.Go(func() error {
		var err error
		if timed.Ledger, err = pending.open(ctx, settings.LedgerURL.Reveal(), ledger.Options{Logger: logger, Traces: p.Traces.ChildSpans()}, logger); timed.Ledger == nil {
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
		group.Go(func() error {
			seen.open(ctx)
			return nil
		})
		clocks.Measure(ctx) // so that a worker whose clock is wrong takes no task, and deletes nothing
		if old != nil {
			group.Go(func() error {
				old.run(ctx)
				return nil
			})
		}
		return RunWorker(ctx, func() worker.Worker { return tasks.NewWorker(inDeployment(settings)) }, clocks, &polling, logger)
	})
	group.Go(func() error {
		clocks.Run(ctx)
		return nil
	})
	group.Go(func() error {
		presence.NewReporter(p.Redis, presence.Worker, clocks.Ahead, nil).Run(ctx)
		return nil
	})
	group.Go(func() error {
		return serve.HTTP(ctx, logger, reg, 0, serve.Listener{
			Name: "admin", Address: settings.AdminListen,
			Handler: withCodec(settings, admin.Profiles(settings.Profiles, admin.Handler(reg, logger, append(
				seen.checks(),
				admin.Check{Name: "temporal", Run: func(ctx context.Context) error { return temporalclient.Ping(ctx, temporal, namespace) }},
				admin.Check{Name: "worker", Run: admin.FlagSet(&polling, "not polling: waiting for Temporal and the ledger, or until the clock is right")},
				admin.Check{Name: "clock", Run: admin.NoProblem(clocks.Problem)},
				admin.Check{Name: "ledger", Run: pending.ready},
				admin.Check{Name: "redis", Optional: true, Run: p.Redis.Ping},
			)...)), reg, logger),
		})
	})
	err = group.Wait()
	logger.Info("stopped")
	return err
}
