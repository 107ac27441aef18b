package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// killed kills every process at once in the middle of the load, and starts all again:
// some calls are charged, others are under way, and of others the callbacks are just
// being answered, or find nobody.
func killed(ctx context.Context, r *run) error {
	quarter, dead, placed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() { placed <- r.placeAround(ctx, quarter, dead) }()
	err := r.await(ctx, 50*time.Millisecond, func() (string, bool, error) {
		n, err := r.charged(ctx)
		return fmt.Sprintf("%d calls are charged", n), n >= r.calls/4, err
	})
	close(quarter)
	if err != nil {
		return err
	}
	for ; r.stack.Tencent.Stats().Callbacks.Pending == 0 && len(placed) == 0; <-time.After(time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	at := time.Now()
	parts := everything(r.topology)
	for _, part := range parts {
		if err := r.stack.KillPart(part); err != nil {
			return fmt.Errorf("kill %s: %w", part, err)
		}
	}
	gone := time.Now()
	close(dead)
	r.figure("killed", "%s", strings.Join(parts, ", "))
	if err := <-placed; err != nil {
		return err
	}
	if err := r.stack.Tencent.Wait(ctx); err != nil {
		return err
	}
	for _, part := range parts {
		if err := r.stack.StartPart(ctx, part); err != nil {
			return fmt.Errorf("start %s: %w", part, err)
		}
	}
	began := time.Now()
	if err := r.awaitCharged(ctx, r.calls); err != nil {
		return err
	}
	took := time.Since(began)
	entries, err := r.booked(ctx)
	if err != nil {
		return err
	}
	histories, err := r.histories(ctx)
	if err != nil {
		return err
	}
	started := map[callKey]time.Time{}
	for i, call := range r.placed {
		started[callKey{call.SDKAppID, call.Record.CallID}] = histories[i].started
	}
	hit := whatWasHit(entries, r.stack.Tencent.Calls(), started, at, gone)
	r.figure("charged before", "%d", hit.charged)
	r.figure("under way: started, and not charged yet", "%d", hit.underWay)
	r.figure("callbacks cut off", "%d", hit.cut)
	r.figure("callbacks that found nobody", "%d", hit.unheard)
	r.figure("all charged after everything was started again, sweeps included", "%s", took.Round(time.Second))
	return hit.require()
}

// placeAround places the calls: a quarter only once another one is charged, and half of
// it only when nobody is there any more.
func (r *run) placeAround(ctx context.Context, quarter, dead <-chan struct{}) error {
	eighth := r.calls / 8
	if err := r.place(ctx, r.calls-2*eighth, false); err != nil {
		return err
	}
	for _, until := range []<-chan struct{}{quarter, dead} {
		select {
		case <-until:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.place(ctx, eighth, false); err != nil {
			return err
		}
	}
	return nil
}

// everything are the processes of a topology.
func everything(t local.Topology) []string {
	parts := []string{"redis"}
	if t.Postgres {
		parts = append(parts, "postgres")
	}
	if t.Proxy {
		parts = append(parts, "proxy")
	}
	return slices.Concat(parts, local.Numbered("temporal", max(1, len(t.Nodes))), local.Numbered("worker", t.Workers), local.Numbered("starter", t.Starters))
}

// hit is what a kill has interrupted, in calls.
type hit struct{ charged, underWay, cut, unheard int }

// callKey is a call: calls of two apps may have the same CallId.
type callKey struct {
	app    tencent.SDKAppID
	callID string
}

// whatWasHit is told by the times at which entries were booked, workflows started and
// callbacks answered. The processes died one after the other between at and gone.
func whatWasHit(entries []ledger.Entry, calls []tencentsim.Call, started map[callKey]time.Time, at, gone time.Time) (h hit) {
	charged := map[callKey]bool{}
	for _, e := range entries {
		if e.CreatedAt.Before(at) {
			charged[callKey{e.SDKAppID, e.CallID()}] = true
		}
	}
	h.charged = len(charged)
	for _, call := range calls {
		id := callKey{call.SDKAppID, call.Record.CallID}
		if start := started[id]; !charged[id] && !start.IsZero() && start.Before(at) {
			h.underWay++
		}
		for _, p := range call.Callbacks {
			switch {
			case p.Status != 0:
			case !p.SentAt.Before(gone):
				h.unheard++
			case answered(p).After(at):
				h.cut++
			}
		}
	}
	return h
}

// require requires that the kill was in the middle of the load.
func (h hit) require() error {
	switch {
	case h.charged == 0:
		return errors.New("the kill was too early: nothing was charged")
	case h.underWay == 0:
		return errors.New("the kill was too late: no call was under way")
	case h.cut == 0:
		return errors.New("the kill was between two callbacks: none was cut off")
	case h.unheard == 0:
		return errors.New("the kill was too late: no callback found nobody")
	}
	return nil
}
