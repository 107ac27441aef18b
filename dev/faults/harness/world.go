package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
)

// world is a stack with faults.
type world struct {
	setup
	stack     *local.Stack
	network   *network
	receivers *receivers
	people    *people
	history   *history
	// inPlace is locked while the ledger is taken away or replaced: nobody reads it or
	// corrects charges meanwhile.
	inPlace sync.RWMutex
	// disk is the ledger's.
	disk *disk
	// booked is when entries were booked first that were restored since, by key.
	booked map[string]time.Time
	// injected are the faults so far that have had an effect, and effect is how that of
	// the fault that happens now is seen; nil if it has one by its nature.
	injected []fault
	effect   effect
	// supervised are the parts that are started again when they end by themselves.
	supervised []string
	started    time.Time

	mu       sync.Mutex
	timeline []string
	placed   []placedCall
}

// result is what became of a plan.
type result struct {
	plan      plan
	topology  string
	delivered int
	// recovered is the time from the last fault until the checker found nothing.
	recovered time.Duration
	// grown is how much more the processes use than before the first fault.
	grown    string
	injected []fault
	findings []checker.Finding
	timeline []string
	// stories are about the calls and processes of the findings.
	stories []string
}

// setup is what all runs have in common.
type setup struct {
	root, temporal string
	// bin has the programs starter and worker, environ is added to their environment.
	bin string
	// skewed is aftercall with a clock that can be set, planted has the programs with
	// bugs and with points at which they can be killed.
	skewed   string
	planted  string
	environ  map[string]string
	topology local.Topology
	// faults is how many of the faults of a seed are injected. If only is not empty, it
	// names those which are, in this order.
	faults int
	only   []string
	calls  int
	out    io.Writer
}

// run carries out the plan of a seed on a stack of its own. The logs are kept if it
// failed, or to see what certain faults did.
func (s setup) run(ctx context.Context, seed uint64) (r result, err error) {
	p, err := s.plan(seed)
	if err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "aftercall-faults-")
	if err != nil {
		return r, err
	}
	w, err := s.start(ctx, dir)
	if err != nil {
		return r, fmt.Errorf("%w\nlogs are in %s/logs", err, dir)
	}
	r, err = w.follow(ctx, p)
	r.topology = s.topology.Name
	err = errors.Join(err, w.stop(context.WithoutCancel(ctx)))
	if err != nil || len(r.findings) > 0 || len(s.only) > 0 {
		return r, errors.Join(err, w.print(s.out, r, dir))
	}
	return r, os.RemoveAll(dir)
}

func (s setup) start(ctx context.Context, dir string) (*world, error) {
	ports, err := local.FreePorts(s.topology)
	if err != nil {
		return nil, err
	}
	o := local.Options{
		Root: s.root, Dir: dir, Topology: s.topology, Ports: ports, Temporal: s.temporal, Isolated: true,
		Starter: local.Service{Program: filepath.Join(s.bin, "starter")},
		Worker:  local.Service{Program: filepath.Join(s.bin, "worker")},
		Logger:  slog.New(slog.DiscardHandler), Environ: maps.Clone(s.environ),
	}
	if o.Environ == nil {
		o.Environ = map[string]string{}
	}
	t := s.topology
	w := &world{setup: s, people: newPeople(), history: newHistory(), booked: map[string]time.Time{}, supervised: slices.Concat(
		local.Numbered("temporal", max(1, len(t.Nodes))), local.Numbered("worker", t.Workers), local.Numbered("starter", t.Starters),
	)}
	if err := w.open(ctx, o); err != nil {
		return nil, errors.Join(err, w.stop(context.WithoutCancel(ctx)))
	}
	return w, nil
}

// open starts everything.
func (w *world) open(ctx context.Context, o local.Options) (err error) {
	if w.disk, err = openDisk(filepath.Join(o.Dir, "ledger")); err != nil {
		return err
	}
	if !w.topology.Postgres {
		o.Environ["LEDGER_URL"] = "sqlite:" + w.ledgerFile()
	}
	var trust map[string]string
	if w.receivers, trust, err = openReceivers(o.Dir); err != nil {
		return err
	}
	maps.Copy(o.Environ, trust)
	o.Environ["AFTERCALL_PROFILES"] = "true" // to collect garbage
	o.Environ["AFTERCALL_CONFIG"] = filepath.Join(w.root, "dev", "faults", "harness", "aftercall.yaml")
	if w.network, err = openNetwork(&o, w.receivers.port()); err != nil {
		return err
	}
	if w.stack, err = local.Start(ctx, o); err != nil {
		return err
	}
	w.receivers.serve(w.stack.Webhooks)
	return w.moveLedger(ctx)
}

// plan is the plan of a seed.
func (s setup) plan(seed uint64) (plan, error) {
	faults := catalogue(s.topology)
	if len(s.only) == 0 {
		return newPlan(seed, deal(seed, faults)[:s.faults], s.calls), nil
	}
	only, err := find(s.only, faults)
	return newPlanOf(seed, only, s.calls), err
}

func (w *world) stop(ctx context.Context) (err error) {
	if w.stack != nil {
		err = w.stack.Stop(ctx)
	}
	if w.network != nil {
		w.network.close()
	}
	if w.receivers != nil {
		err = errors.Join(err, w.receivers.close())
	}
	if w.disk != nil {
		err = errors.Join(err, w.disk.close())
	}
	return err
}
