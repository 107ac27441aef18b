// Package process opens what starter and worker have in common: logs, traces, and the
// connections to Redis and Temporal.
package process

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"aftercall/internal/clock"
	"aftercall/internal/config"
	"aftercall/internal/redisguard"
	"aftercall/internal/telemetry"
	"aftercall/internal/temporalclient"
	"aftercall/internal/tracing"
)

// Process is a starter or a worker. Close it after use.
type Process struct {
	Logger *slog.Logger
	// Traces is nil if the process makes none.
	Traces   *tracing.Tracing
	Redis    *redisguard.Guard
	Temporal client.Client
	// Namespace is that of Temporal.
	Namespace string

	reg    prometheus.Registerer
	closed []func() // in the order in which they were opened
}

// Options describe a Process.
type Options struct {
	Environ  map[string]string
	Settings config.Common
	// Service is the name of the process in traces.
	Service string
	// CallIDOf finds the call of a workflow ID, for log lines.
	CallIDOf func(workflowID string) (string, bool)
	// Stderr gets the log lines.
	Stderr   io.Writer
	Registry *prometheus.Registry
}

// Open connects to Redis and Temporal, which need not be up. Redis is used until Close,
// whenever ctx ends.
func Open(ctx context.Context, o Options) (p *Process, err error) {
	p = &Process{reg: o.Registry}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	logs := telemetry.NewLogWriter(o.Stderr, o.Registry)
	p.closeLater(func() { _ = logs.Close() }) // which is never an error
	p.Logger = tracing.Correlate(telemetry.NewLogger(logs, string(o.Settings.LogFormat), o.Settings.LogLevel), o.CallIDOf)
	if p.Traces, err = tracing.Start(ctx, o.Environ, o.Service, p.Logger); err != nil {
		return nil, err
	}
	p.closeLater(func() { p.Traces.Stop(ctx) })
	if err := p.openRedis(ctx, o); err != nil {
		return nil, err
	}
	if err := p.openTemporal(o); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Process) openRedis(ctx context.Context, o Options) error {
	rdb, err := redisguard.NewClient(o.Settings.RedisURL.Reveal(), o.Settings.RedisTimeout, redisguard.WithCertificates(o.Settings.RedisCertificates()))
	if err != nil {
		return err
	}
	p.closeLater(func() { _ = rdb.Close() }) // of no consequence at the end
	if err := p.Traces.InstrumentRedis(rdb); err != nil {
		return err
	}
	p.Redis = redisguard.New(context.WithoutCancel(ctx), rdb, o.Registry, p.Logger)
	p.closeLater(p.Redis.Close)
	return nil
}

func (p *Process) openTemporal(o Options) error {
	metrics, err := telemetry.TemporalMetrics(o.Registry, p.Logger)
	if err != nil {
		return err
	}
	interceptors, err := p.Traces.TemporalInterceptors()
	if err != nil {
		return err
	}
	if p.Temporal, p.Namespace, err = temporalclient.NewClient(o.Environ, metrics, p.Logger, interceptors...); err != nil {
		return err
	}
	p.closeLater(p.Temporal.Close)
	return nil
}

func (p *Process) closeLater(f func()) { p.closed = append(p.closed, f) }

// Close ends the connections, the last one first.
func (p *Process) Close() {
	for _, f := range slices.Backward(p.closed) {
		f()
	}
}

// Clocks compare the clock of this process with those of Temporal, Redis and others.
func (p *Process) Clocks(others ...clock.Source) *clock.Watch {
	sources := []clock.Source{
		{Name: clock.Temporal, Read: func(ctx context.Context) (time.Time, error) { return temporalclient.Now(ctx, p.Temporal, p.Namespace) }},
		{Name: clock.Redis, Read: p.Redis.Now},
	}
	return clock.NewWatch(time.Now, p.reg, p.Logger, append(sources, others...)...)
}
