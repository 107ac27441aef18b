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
	"syscall"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
)

// recovery is how long everything may take to be right after the last fault. A sweep
// lists what is lost every minute; a busy machine may need many times as long.
const recovery = 6 * time.Minute

// world is a stack with faults.
type world struct {
	stack     *local.Stack
	network   *network
	receivers *receivers
	people    *people
	history   *history
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
	findings  []checker.Finding
	timeline  []string
	// stories are about the calls and processes of the findings.
	stories []string
}

// setup is what all runs have in common.
type setup struct {
	root, temporal string
	// bin has the programs starter and worker, environ is added to their environment.
	bin      string
	environ  map[string]string
	topology local.Topology
	// faults is how many of the faults of a seed are injected. If fault is not empty, it
	// is the name of the only one.
	faults int
	fault  string
	calls  int
	out    io.Writer
}

// run carries out the plan of a seed on a stack of its own. The logs are kept if it
// failed, or to see what a single fault did.
func (s setup) run(ctx context.Context, seed uint64) (r result, err error) {
	dir, err := os.MkdirTemp("", "aftercall-faults-")
	if err != nil {
		return r, err
	}
	w, p, err := s.start(ctx, dir, seed)
	if err != nil {
		return r, fmt.Errorf("%w\nlogs are in %s/logs", err, dir)
	}
	r, err = w.follow(ctx, p)
	r.topology = s.topology.Name
	err = errors.Join(err, w.stop(context.WithoutCancel(ctx)))
	if err != nil || len(r.findings) > 0 || s.fault != "" {
		return r, errors.Join(err, w.print(s.out, r, dir))
	}
	return r, os.RemoveAll(dir)
}

func (s setup) start(ctx context.Context, dir string, seed uint64) (*world, plan, error) {
	ports, err := local.FreePorts(s.topology)
	if err != nil {
		return nil, plan{}, err
	}
	o := local.Options{
		Root: s.root, Dir: dir, Topology: s.topology, Ports: ports, Temporal: s.temporal, Isolated: true,
		Starter: local.Service{Program: filepath.Join(s.bin, "starter")},
		Worker:  local.Service{Program: filepath.Join(s.bin, "worker")},
		Logger:  slog.New(slog.DiscardHandler),
	}
	t := s.topology
	w := &world{people: newPeople(), history: newHistory(), supervised: slices.Concat(
		local.Numbered("temporal", max(1, len(t.Nodes))), local.Numbered("worker", t.Workers), local.Numbered("starter", t.Starters),
	)}
	var trust map[string]string
	if w.receivers, trust, err = openReceivers(dir); err != nil {
		return nil, plan{}, err
	}
	if w.network, err = openNetwork(&o, ports, w.receivers.port()); err != nil {
		return nil, plan{}, err
	}
	maps.Copy(o.Environ, trust)
	o.Environ["AFTERCALL_PROFILES"] = "true" // to collect garbage
	o.Environ["AFTERCALL_CONFIG"] = filepath.Join(s.root, "dev", "faults", "harness", "aftercall.yaml")
	p, err := s.plan(seed, w.network.names)
	if err != nil {
		w.network.close()
		return nil, plan{}, err
	}
	maps.Copy(o.Environ, s.environ)
	if w.stack, err = local.Start(ctx, o); err != nil {
		w.network.close()
		return nil, plan{}, err
	}
	w.receivers.serve(w.stack.Webhooks)
	return w, p, nil
}

// plan is the plan of a seed.
func (s setup) plan(seed uint64, networks []string) (plan, error) {
	faults := catalogue(s.topology, networks)
	if s.fault == "" {
		return newPlan(seed, deal(seed, faults)[:s.faults], s.calls), nil
	}
	f, err := find(s.fault, faults)
	return newPlanOf(seed, f, s.calls), err
}

func (w *world) stop(ctx context.Context) error {
	err := w.stack.Stop(ctx)
	w.network.close()
	return errors.Join(err, w.receivers.close())
}

// follow places the calls while the faults happen, and then waits until everything is
// right, or recovery is over.
func (w *world) follow(ctx context.Context, p plan) (r result, err error) {
	before, err := w.usages(ctx)
	if err != nil {
		return r, err
	}
	r.plan, w.started = p, time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	people, dismiss := context.WithCancel(ctx)
	w.people.work.Go(func() { w.reviewCalls(people) })
	w.people.work.Go(func() { w.watch(people) })
	defer w.people.work.Wait()
	defer dismiss()
	var load sync.WaitGroup
	for _, c := range p.calls {
		load.Go(func() {
			if err := w.place(ctx, people, c); err != nil {
				cancel(err)
			}
		})
	}
	err = w.inject(ctx, p.steps)
	if err != nil {
		cancel(err)
	}
	load.Wait()
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return r, err
	}
	healed := time.Now()
	w.note("the last fault is over")
	evidence, findings, err := w.settle(ctx)
	r.recovered = time.Since(healed)
	dismiss() // they use connections, too
	w.people.work.Wait()
	leaks, leaked := w.settleUsages(ctx, before)
	r.findings = append(findings, leaks...)
	err = errors.Join(err, leaked)
	for _, c := range w.stack.Tencent.Calls() {
		r.delivered += len(c.Callbacks)
	}
	r.timeline = w.timeline
	r.stories = w.stories(ctx, evidence, r.findings)
	return r, err
}

func (w *world) inject(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := wait(ctx, s.after); err != nil {
			return err
		}
		if err := s.fault.run(ctx, w, s.lasts); err != nil {
			return err
		}
		if err := w.supervise(ctx); err != nil {
			return err
		}
	}
	return nil
}

// supervise starts what has ended by itself again, as the supervisor of production does.
func (w *world) supervise(ctx context.Context) error {
	select {
	case failure := <-w.stack.Failed():
		w.note("ended by itself: %v", failure)
	default:
	}
	for _, part := range w.supervised {
		if w.stack.Signal(part, syscall.Signal(0)) == nil {
			continue
		}
		if err := w.stack.StopPart(part); err != nil {
			w.note("%s had ended: %v", part, err)
		}
		if err := w.stack.StartPart(ctx, part); err != nil {
			return fmt.Errorf("start %s again: %w", part, err)
		}
		w.note("%s was started again", part)
	}
	return nil
}

// place ends a call at its time, and posts its callback again later. People correct it
// until their context ends.
func (w *world) place(ctx, people context.Context, c plannedCall) error {
	at := func(d time.Duration) error { return wait(ctx, time.Until(w.started.Add(d))) }
	if err := at(c.at); err != nil {
		return err
	}
	placed, err := w.placeNow(c)
	if err != nil {
		return err
	}
	for _, again := range c.again {
		if err := at(again.at); err != nil {
			return err
		}
		if c.forgotten && w.stack.ForgetInRedis(ctx, placed.call) != nil {
			w.note("Redis could not forget call %s", c.spec.CallID)
		}
		if err := w.stack.Tencent.RepeatCallback(c.spec.SDKAppID, c.spec.CallID, again.says); err != nil {
			return err
		}
	}
	if len(c.corrections) == 0 {
		return nil
	}
	if err := at(c.correctedAt); err != nil {
		return err
	}
	w.people.intend(c)
	w.people.work.Go(func() { w.correct(people, placed) })
	return nil
}

// placeNow ends a call.
func (w *world) placeNow(c plannedCall) (placedCall, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	call, err := w.stack.Tencent.PlaceCall(c.spec)
	placed := placedCall{c, call}
	if err == nil {
		w.placed = append(w.placed, placed)
	}
	return placed, err
}

// settle asks the checker until it finds nothing.
func (w *world) settle(ctx context.Context) (evidence checker.Evidence, findings []checker.Finding, err error) {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for {
		var now checker.Evidence
		if now, err = w.collect(ctx); err == nil {
			evidence, findings = now, checker.Check(now)
			if !mayHeal(findings) {
				return evidence, findings, nil
			}
		}
		if wait(ctx, time.Second) != nil {
			return evidence, findings, err
		}
	}
}

// mayHeal reports whether there are findings, and all of them can be gone a little later.
func mayHeal(findings []checker.Finding) bool {
	for _, f := range findings {
		if f.Kind != checker.Lost && f.Kind != checker.NotNotified && f.Kind != checker.Stuck {
			return false
		}
	}
	return len(findings) > 0
}
