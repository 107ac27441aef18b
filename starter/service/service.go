// Package service runs the starter: configuration, dependencies, listeners, and
// their ordered shutdown.
package service

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/admin"
	"aftercall/internal/clock"
	"aftercall/internal/config"
	"aftercall/internal/dedupe"
	"aftercall/internal/evidence"
	"aftercall/internal/presence"
	"aftercall/internal/process"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/serve"
	"aftercall/internal/telemetry"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// Run serves callbacks until ctx ends, and for the configured drain time longer,
// then closes in order: the listeners, the store of the evidence, the connection to Temporal, Redis. environ holds the process settings (see
// docs/configuration.md); log lines go to stderr.
func Run(ctx context.Context, environ map[string]string, stderr io.Writer) error {
	return run(ctx, environ, stderr, telemetry.NewRegistry())
}

func run(ctx context.Context, environ map[string]string, stderr io.Writer, reg *prometheus.Registry) error {
	settings, cfg, err := config.Starter(environ)
	if err != nil {
		return err
	}
	p, err := process.Open(ctx, process.Options{
		Environ: environ, Settings: settings.Common, Service: "aftercall-starter", CallIDOf: workflows.CallIDOf, Stderr: stderr, Registry: reg,
	})
	if err != nil {
		return err
	}
	defer p.Close()
	temporal, namespace, logger := p.Temporal, p.Namespace, p.Logger
	certificate, err := callbackCertificate(settings)
	if err != nil {
		return err
	}
	clocks := p.Clocks()
	calls := launch.NewCalls(temporal, settings.TaskQueue).Decrypting(settings.PayloadKeys).WithClock(func() time.Time { return clocks.NowOf(clock.Temporal) })
	claims := dedupe.New(p.Redis, cfg.DedupeWindow, clocks.Now, reg)
	receiver := callback.New(Apps(cfg), claims, limits(settings, cfg, p.Redis), calls, reg, logger)
	receiver.UseClock(clocks.Now)
	var events *evidence.Writer
	if cfg.KeepsEvidence() {
		events = newEvidence(ctx, cfg.EvidenceURL(settings.LedgerURL), logger)
		defer events.Close()
		receiver.KeepEvidence(events, reg)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		clocks.Run(ctx)
		return nil
	})
	group.Go(func() error {
		presence.NewReporter(p.Redis, presence.Starter, clocks.Ahead, receiver.Answers).Run(ctx)
		return nil
	})
	var prepared atomic.Bool
	// Without Temporal the starter starts too, and answers 503 until it is up.
	group.Go(func() error {
		prepared.Store(temporalclient.Prepare(ctx, temporal, namespace, logger, workflows.SearchAttributes))
		return nil
	})
	group.Go(func() error {
		return serve.HTTP(
			ctx, logger, reg, settings.Drain,
			serve.Listener{
				Name: "callbacks", Address: settings.Listen, Certificate: certificate,
				Handler: p.Traces.Handler("callback", receiver),
			},
			serve.Listener{
				Name: "admin", Address: settings.AdminListen,
				Handler: admin.Profiles(settings.Profiles, admin.Handler(reg, logger, append(
					evidenceChecks(events),
					admin.Check{Name: "shutdown", Run: admin.Running(ctx)},
					admin.Check{Name: "temporal", Run: func(ctx context.Context) error { return temporalclient.Ping(ctx, temporal, namespace) }},
					admin.Check{Name: "search attributes", Run: admin.FlagSet(&prepared, "not checked yet: waiting for Temporal")},
					admin.Check{Name: "clock", Run: admin.NoProblem(clocks.Problem)},
					admin.Check{Name: "redis", Optional: true, Run: p.Redis.Ping},
				)...)),
			},
		)
	})
	err = group.Wait()
	receiver.Close()
	logger.Info("stopped")
	return err
}

// callbackCertificate returns the certificate of the callback listener, nil where
// something in front of it ends TLS.
func callbackCertificate(settings config.StarterSettings) (*serve.Certificate, error) {
	if settings.TLSCert == "" {
		return nil, nil //nolint:nilnil // there is none, and nothing went wrong
	}
	certificate, err := serve.LoadCertificate(settings.TLSCert, settings.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("AFTERCALL_TLS_CERT and AFTERCALL_TLS_KEY must be a certificate with its chain and its private key, in the PEM format: %w", err)
	}
	return certificate, nil
}

// Apps are what the receiver of callbacks knows of the configured apps.
func Apps(cfg *config.Config) []callback.App {
	all := make([]callback.App, len(cfg.Apps))
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		relayed := map[tencent.Command]bool{}
		for _, command := range app.RelayedCommands() {
			relayed[command] = true
		}
		all[i] = callback.App{
			ID:             app.SDKAppID,
			Name:           app.Name,
			Secrets:        reveal(app.Callback.AllSecrets()),
			Tokens:         reveal(app.Callback.AllTokens()),
			ProbeKey:       app.SecretKey.Reveal(),
			RecordDeadline: app.RecordDeadline,
			Relay:          relayed,
			Members:        app.Evidence.Members,
			RoomKeys:       reveal(app.Evidence.AllRoomKeys()),
		}
	}
	return all
}

// limits are those of an answer, and of all starters together.
func limits(settings config.StarterSettings, cfg *config.Config, guard *redisguard.Guard) callback.Limits {
	rates := make(map[tencent.SDKAppID]ratelimit.Rate, len(cfg.Apps))
	events := make(map[tencent.SDKAppID]ratelimit.Rate, len(cfg.Apps))
	for _, app := range cfg.Apps {
		rates[app.SDKAppID] = ratelimit.Rate{PerSecond: app.Callback.PerSecond, Burst: app.Callback.Burst}
		events[app.SDKAppID] = ratelimit.Rate{PerSecond: eventsPerCall * app.Callback.PerSecond, Burst: eventsPerCall * app.Callback.Burst}
	}
	return callback.Limits{
		Answer: settings.AnswerTimeout,
		Calls:  ratelimit.NewBuckets(guard, "calls", rates), Relays: ratelimit.NewBuckets(guard, "relays", rates),
		Events: ratelimit.NewBuckets(guard, "events", events),
	}
}

func reveal(secrets []config.Secret) []string {
	texts := make([]string, len(secrets))
	for i, secret := range secrets {
		texts[i] = secret.Reveal()
	}
	return texts
}
