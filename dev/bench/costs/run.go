package costs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/testenv/testconfig"
)

// Options say what to measure.
type Options struct {
	// Root is the project's folder, Dir an empty one for data and logs.
	Root, Dir string
	Topology  local.Topology
	// Indexes is Shipped, or Slim for the development server, or Partial or Dropped for
	// PostgreSQL.
	Indexes     string
	Calls, Rate int
	Out         io.Writer
}

const (
	// apps is how many apps the calls are spread over: each may make 180 requests a second.
	apps = 2
	// warmUp is how many calls precede those that are measured, so that pools, caches
	// and pollers have grown.
	warmUp = 300
	// atOnce is how many callbacks wait for their answer in a burn-down.
	atOnce = 32
	// endedAgo is how many seconds ago the calls of a burn-down ended: their records can
	// be read a second later.
	endedAgo = 4
	// settle is how long the stack is left alone after a load, for what is still written and
	// for PostgreSQL's statistics, which are up to ten seconds late. idle is how long it is
	// measured without calls after that.
	settle, idle = 12 * time.Second, 20 * time.Second
	// limit is how long a load may take until every call was notified.
	limit  = 15 * time.Minute
	target = "receiver"
)

// run is a stack that is measured.
type run struct {
	Options
	stack  *local.Stack
	placed []tencentsim.Call
	// sentFrom is the index in placed of the first call that is measured.
	sentFrom int
	store    stores
}

// Measure starts a stack, and measures what calls cost on it.
func Measure(ctx context.Context, o Options) (m Measurement, err error) {
	r := &run{Options: o}
	if err := r.start(ctx); err != nil {
		return m, err
	}
	defer func() {
		// What was measured stays measured if a server then ends with an error.
		if stop := errors.Join(r.store.close(), r.stack.Stop(context.WithoutCancel(ctx))); stop != nil {
			fmt.Fprintln(o.Out, "stop:", stop)
		}
	}()
	m = Measurement{Topology: o.Topology.Name, Indexes: o.Indexes, Machine: machine(), Calls: o.Calls, Rate: o.Rate}
	if m.Storage.RedisBytes, err = RedisMemory(ctx, filepath.Join(o.Dir, "memory"), Remembered); err != nil {
		return m, fmt.Errorf("memory of Redis: %w", err)
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, *Measurement) error
	}{
		{"a steady load", r.steady}, {"sampled calls", r.sample}, {"a sweep", r.sweep}, {"a burn-down", r.burnDown},
	} {
		fmt.Fprintf(o.Out, "%s: %s\n", m.Name(), step.what)
		if err := step.do(ctx, &m); err != nil {
			return m, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return m, nil
}

func (r *run) start(ctx context.Context) error {
	temporal, err := r.Topology.EnsureTemporal(ctx, r.Root, r.Out)
	if err != nil {
		return err
	}
	r.Topology.EmbeddedRedis = false // it would not be a process
	ports, err := local.FreePorts(r.Topology)
	if err != nil {
		return err
	}
	config := filepath.Join(r.Dir, "aftercall.yaml")
	if err := configuration().Write(config); err != nil {
		return err
	}
	r.stack, err = local.Start(ctx, local.Options{
		Root: r.Root, Dir: filepath.Join(r.Dir, "stack"), Topology: r.Topology, Ports: ports, Temporal: temporal, Isolated: true,
		Starter: local.Service{Program: filepath.Join(r.Root, "bin", "starter")},
		Worker:  local.Service{Program: filepath.Join(r.Root, "bin", "worker")},
		// Without sweeps, a callback that is not accepted in time would be a lost call.
		AnswerTimeout: local.LenientAnswerTimeout,
		StockList:     r.Indexes != Slim,
		Environ:       map[string]string{"AFTERCALL_CONFIG": config},
		Logger:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if r.store, err = openStores(ctx, r.stack, ports, r.Topology); err != nil {
		return errors.Join(err, r.stack.Stop(context.WithoutCancel(ctx)))
	}
	if err := r.store.useIndexes(ctx, r.Indexes); err != nil {
		return errors.Join(err, r.store.close(), r.stack.Stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// configuration has an ordinary app several times, with one target, and no sweeps.
func configuration() *testconfig.Config {
	version := testconfig.Version("0.12")
	version["max_duration"] = "6h"
	c := &testconfig.Config{
		Targets: []testconfig.Map{{
			"name": target, "type": "webhook", "url": "${DEV_WEBHOOK_URL}/hooks/" + target,
			"secrets": []string{"${CRM_WEBHOOK_SECRET}"}, "allow_private": true,
		}},
		Tariffs: testconfig.Map{"standard": testconfig.Map{"currency": "USD", "versions": []testconfig.Map{version}}},
	}
	for i := range apps {
		app := testconfig.App(fmt.Sprintf("app-%d", i), uint64(firstApp)+uint64(i))
		app["api"], app["go_live"] = "${DEV_TENCENT_URL}", "2025-01-01T00:00:00Z"
		app["callback"] = testconfig.Map{"secret": "${CLINIC_CALLBACK_SECRET}", "base_url": "${DEV_PUBLIC_URL}"}
		app["sweep"] = testconfig.Map{"every": "off"}
		c.Apps = append(c.Apps, app)
	}
	return c
}
