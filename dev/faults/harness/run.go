package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"aftercall/dev/faults/checker"
)

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
	w.note("the last fault is over")
	healed := time.Now()
	evidence, findings, recovered, err := settle(ctx, w, healed)
	r.recovered = recovered
	if err == nil && len(findings) == 0 {
		evidence, findings, err = w.deliverAtLast(ctx, healed)
	}
	dismiss() // they use connections, too
	w.people.work.Wait()
	usages, leaks, leaked := w.settleUsages(ctx, before)
	r.grown = growth(usages)
	if leaked == nil && len(leaks) == 0 && len(findings) == 0 {
		leaks, leaked = w.burst(ctx, healed)
	}
	r.findings = append(findings, leaks...)
	err = errors.Join(err, leaked)
	for _, c := range w.stack.Tencent.Calls() {
		r.delivered += len(c.Callbacks)
	}
	r.timeline, r.injected = w.timeline, w.injected
	r.stories = w.stories(ctx, evidence, r.findings)
	return r, err
}

// deliverAtLast posts some callbacks once more, and asks the checker again.
func (w *world) deliverAtLast(ctx context.Context, healed time.Time) (checker.Evidence, []checker.Finding, error) {
	w.mu.Lock()
	placed := w.placed
	w.mu.Unlock()
	posted, least, most := 0, time.Hour, time.Duration(0)
	for _, c := range placed {
		if !c.atLast {
			continue
		}
		if err := w.repeat(ctx, c, nil); err != nil {
			return checker.Evidence{}, nil, err
		}
		age := time.Since(c.call.PlacedAt)
		posted, least, most = posted+1, min(least, age), max(most, age)
	}
	if err := w.stack.Tencent.Wait(ctx); err != nil {
		return checker.Evidence{}, nil, err
	}
	w.note("%d callbacks were posted once more, %s to %s after their calls ended", posted, least.Round(time.Second), most.Round(time.Second))
	evidence, findings, _, err := settle(ctx, w, healed)
	return evidence, findings, err
}

// repeat posts the callback of a call once more.
func (w *world) repeat(ctx context.Context, c placedCall, says json.RawMessage) error {
	if c.forgotten && w.stack.ForgetInRedis(ctx, c.call) != nil {
		w.note("Redis could not forget call %s", c)
	}
	return w.stack.Tencent.RepeatCallback(c.spec.SDKAppID, c.spec.CallID, says)
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
	w.noteEnded()
	for _, part := range w.supervised {
		if w.runs(part) {
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

// noteEnded notes a part that has ended by itself.
func (w *world) noteEnded() {
	select {
	case failure := <-w.stack.Failed():
		w.note("ended by itself: %v", failure)
	default:
	}
}

// runs reports whether a part is a running process.
func (w *world) runs(part string) bool { return w.stack.Signal(part, syscall.Signal(0)) == nil }

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
		if err := w.repeat(ctx, placed, again.says); err != nil {
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
