package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

// Options are the size of a run.
type Options struct {
	// Calls is how many calls end in a night.
	Calls int
}

// Result is what a seed gave.
type Result struct {
	Seed uint64
	Options
	// Placed are the calls that ended, and those that a malformed callback has made up.
	Placed   int
	Findings []checker.Finding
	Faults   map[Fault]int
	// Entries and Messages are how much was charged and notified.
	Entries, Messages int
	// Simulated is how long the run was by its own clock.
	Simulated time.Duration
	trace     *Trace
	evidence  checker.Evidence
}

// Trace returns what happened, all of it or the story of a call.
func (r Result) Trace(about string) []string { return r.trace.Lines(about) }

// Run simulates the night of a seed.
func Run(t *testing.T, seed uint64, o Options) (result Result) {
	t.Helper()
	useSimulatedClock()
	folder := newDatabases(t)
	synctest.Test(t, func(t *testing.T) {
		// Tariffs and go_live are of 2025, and the clock of a bubble begins in 2000.
		time.Sleep(time.Until(time.Date(2026, 1, 5, 18, 0, 0, 123456789, time.UTC)))
		result = run(t, seed, o, folder)
	})
	result.Findings = checker.Check(result.evidence)
	return result
}

func run(t *testing.T, seed uint64, o Options, folder string) Result {
	ctx, plan := t.Context(), newPlan(seed)
	n := newNight(plan, o.Calls)
	w, err := newWorld(ctx, plan, n, folder)
	require.NoError(t, err)
	require.NoError(t, w.boot(ctx))
	begin := time.Now()
	w.schedule(t, n, begin)
	healed := begin.Add(n.length + 2*n.retention + 2*time.Hour)
	w.agenda.Run(healed, func() bool { return false })
	plan.heal()
	w.trace.add("system", "all faults end")
	w.finish(n)
	found, err := w.collect(ctx)
	require.NoError(t, err)
	require.NoError(t, w.close())
	return Result{
		Seed: seed, Options: o, Placed: len(w.calls), evidence: found, Faults: plan.Counts(), Entries: len(found.Entries),
		Messages: len(found.Messages), Simulated: time.Since(begin), trace: w.trace,
	}
}

// schedule puts the night on the agenda.
func (w *World) schedule(t *testing.T, n night, begin time.Time) {
	for i := range n.calls {
		w.scheduleCall(t, newCall(w.plan, n, i, begin))
	}
	for app := range w.config.Apps {
		w.scheduleSweeps(app, n, firstSweep(app, begin))
	}
	w.scheduleDecisions(n, 1)
	w.scheduleOutages(t, n, begin)
	w.scheduleOverlaps(n, begin)
	w.scheduleClock(StarterClock, w.starterClock, n, begin)
	w.scheduleClock(WorkerClock, w.workerClock, n, begin)
}

func (w *World) scheduleCall(t *testing.T, c *call) {
	w.agenda.At(c.at, "call "+c.key()+" ends", func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		placed, err := w.tencent.PlaceCall(c.spec)
		require.NoError(t, err)
		c.record = placed.Record
		w.calls = append(w.calls, c)
		if !c.changeAt.IsZero() {
			w.changed = append(w.changed, c.change())
		}
		w.trace.add(c.id, "ends: %+v", placed.Record)
	})
	for _, at := range c.copies {
		w.agenda.At(at.Add(time.Millisecond), "copy of "+c.key(), func() {
			require.NoError(t, w.tencent.RepeatCallback(c.app, c.id, nil))
		})
	}
	random := w.plan.random("operators", c.key())
	if w.plan.decides(Corrected, c.key()) {
		steps := corrections[random.IntN(len(corrections))]
		w.agenda.At(c.at.Add(upTo(random, 8*time.Hour)), "correct "+c.key(), func() { go w.correct(c, steps, 0) })
	}
	if w.plan.decides(Reset, c.key()) {
		w.agenda.At(c.at.Add(upTo(random, 8*time.Hour)), "reset "+c.key(), func() { w.reset(c) })
	}
}

func (w *World) scheduleSweeps(app int, n night, at time.Time) {
	w.agenda.At(at, fmt.Sprintf("sweep %d", app), func() {
		w.sweep(app)
		w.scheduleSweeps(app, n, at.Add(n.sweepEvery))
	})
}

func (w *World) scheduleDecisions(n night, round int) {
	w.agenda.After(2*time.Hour+7*time.Minute, "decisions", func() {
		w.decideAll(fmt.Sprint(round))
		w.scheduleDecisions(n, round+1)
	})
}

// outages are what may happen once or several times in a night.
func (w *World) scheduleOutages(t *testing.T, n night, begin time.Time) {
	for _, o := range []struct {
		fault   Fault
		longest time.Duration
	}{
		{RedisDown, time.Hour}, {TemporalDown, 40 * time.Minute}, {LedgerDown, time.Hour}, {EvidenceDown, time.Hour}, {RecordAPIDown, 2 * time.Hour}, {CallbackOutage, 3 * time.Hour},
	} {
		random := w.plan.random("outage", string(o.fault))
		for range random.IntN(3) {
			from := begin.Add(upTo(random, n.length))
			w.outage(o.fault, "", from, from.Add(upTo(random, o.longest)))
		}
	}
	if n.long {
		w.outage(CallbackOutage, "", begin.Add(time.Hour), begin.Add(n.length-time.Hour))
		w.plan.happened(CallbackForDays)
	}
	longest := w.plan.random("target").IntN(len(targets))
	for i, target := range append([]checker.Target{{Name: relay}}, targets...) {
		random := w.plan.random("target", target.Name)
		from, lasts := begin.Add(upTo(random, n.length)), upTo(random, 2*time.Hour)
		switch {
		case n.long && i == longest:
			from, lasts = begin.Add(upTo(random, 3*24*time.Hour)), 72*time.Hour
			w.plan.happened(TargetForDays)
		case random.IntN(2) == 0:
			continue
		}
		w.outage(TargetDown, target.Name, from, from.Add(lasts))
	}
	for _, once := range []struct {
		fault Fault
		most  int
		do    func(*rand.Rand)
	}{
		{RedisForgets, 5, func(*rand.Rand) { w.redis.redis.FlushAll() }},
		{WorkerRestart, 2, func(*rand.Rand) { w.restart(t) }},
		{WorkerKilled, 2, func(*rand.Rand) { w.temporal.Reset(); w.restart(t) }},
	} {
		random := w.plan.random("event", string(once.fault))
		for i := range random.IntN(once.most + 1) {
			w.agenda.At(begin.Add(upTo(random, n.length)), fmt.Sprintf("%s %d", once.fault, i), func() {
				w.plan.happened(once.fault)
				w.trace.add("system", "%s", once.fault)
				once.do(random)
			})
		}
	}
}

// scheduleOverlaps starts other sweeps at the moment at which one begins.
func (w *World) scheduleOverlaps(n night, begin time.Time) {
	for _, other := range []struct {
		fault Fault
		start func(app int, random *rand.Rand)
	}{
		{Backfill, func(app int, random *rand.Rand) { w.backfill(app, upTo(random, 12*time.Hour)) }},
		{SecondSweep, func(app int, _ *rand.Rand) { w.secondSweep(app) }},
	} {
		random := w.plan.random("event", string(other.fault))
		for range random.IntN(4) {
			app, round := random.IntN(len(w.config.Apps)), random.IntN(int(n.length/n.sweepEvery))
			// The name is after that of the sweep, and before those of its tasks.
			w.agenda.At(firstSweep(app, begin).Add(time.Duration(round)*n.sweepEvery), "sweep overlaps", func() { go other.start(app, random) })
		}
	}
}

func firstSweep(app int, begin time.Time) time.Time {
	return begin.Add(time.Duration(app+1) * time.Minute)
}

func (w *World) outage(fault Fault, subject string, from, to time.Time) {
	w.plan.periods = append(w.plan.periods, period{fault, subject, from, to})
	w.plan.happened(fault)
	w.agenda.At(from, "outage "+string(fault), func() { w.trace.add("system", "%s %s, until %s", fault, subject, to.UTC().Format(time.DateTime)) })
}

// restart ends the processes, and starts new ones.
func (w *World) restart(t *testing.T) {
	require.NoError(t, w.halt())
	require.NoError(t, w.boot(context.WithoutCancel(t.Context())))
}

// settled is how long after the last fault the system has to be done with everything.
const settled = 5 * 24 * time.Hour

// finish lets everything come to its end, and decides what is in review.
func (w *World) finish(n night) {
	swept := time.Now().Add(3 * n.sweepEvery)
	w.agenda.Run(time.Now().Add(settled), func() bool { return time.Now().After(swept) && w.temporal.Running() == 0 })
}

// newDatabases are an empty ledger and an empty store of events in memory, where there is a
// file system for that.
func newDatabases(t *testing.T) (folder string) {
	folder = t.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		memory, err := os.MkdirTemp("/dev/shm", "aftercall-simulation-")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, os.RemoveAll(memory)) })
		folder = memory
	}
	l, err := ledger.Open(t.Context(), ledgerURL(folder), ledger.Options{})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	e, err := evidence.Open(t.Context(), eventsURL(folder), ledger.Options{})
	require.NoError(t, err)
	require.NoError(t, e.Close())
	return folder
}
