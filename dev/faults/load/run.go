package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

const (
	// limit is how long anything may take until it is right.
	limit = 30 * time.Minute
	// atOnce is how many callbacks wait for their answers, at most, unless all do. More
	// than a busy machine can answer in time would only be refused.
	atOnce = 16
)

// run is a stack under load.
type run struct {
	stack    *local.Stack
	topology local.Topology
	calls    int
	out      io.Writer
	figures  []string
	// findings are what a scenario has seen that must not be.
	findings []checker.Finding
	placed   []tencentsim.Call
	began    time.Time
}

// place lets calls end, half of them of each app, of which some have the same CallId. Their
// callbacks follow one another as fast as they are answered, or are lost.
func (r *run) place(ctx context.Context, n int, lose bool) error {
	for i := range n {
		spec := tencentsim.CallSpec{SDKAppID: []tencent.SDKAppID{1400000000, 1400000001}[i%2], Seconds: 61, Lose: lose}
		if i%8 == 7 {
			spec.CallID = r.placed[len(r.placed)-1].Record.CallID
		}
		call, err := r.stack.Tencent.PlaceCall(spec)
		if err != nil {
			return err
		}
		r.placed = append(r.placed, call)
		for ; r.stack.Tencent.Stats().Callbacks.Pending > atOnce; <-time.After(time.Millisecond) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// await asks at intervals until it is done, and prints how far it is.
func (r *run) await(ctx context.Context, every time.Duration, ask func() (progress string, done bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	shown := time.Now()
	for {
		progress, done, err := ask()
		if err != nil || done {
			return err
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			fmt.Fprintln(r.out, progress)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", progress, ctx.Err())
		case <-time.After(every):
		}
	}
}

// awaitCharged waits until so many calls are in the ledger, and their targets know it.
func (r *run) awaitCharged(ctx context.Context, calls int) error {
	return r.await(ctx, time.Second, func() (string, bool, error) {
		n, err := r.charged(ctx)
		if err != nil {
			return err.Error(), false, nil //nolint:nilerr // it may just have been started again
		}
		messages := len(r.stack.Webhooks.Messages(webhookreceiver.Filter{Target: "crm"}))
		return fmt.Sprintf("%d calls are charged, the crm knows of %d", n, messages), n >= calls && messages >= calls, nil
	})
}

// charged counts the entries of the ledger.
func (r *run) charged(ctx context.Context) (n int, err error) {
	store, err := ledger.OpenReadOnly(ctx, r.stack.LedgerURL())
	if err != nil {
		return 0, err
	}
	defer store.Close()
	totals, err := store.Report(ctx, ledger.Filter{}, []ledger.Dimension{ledger.ByApp}, time.UTC)
	for _, total := range totals {
		n += int(total.Charges)
	}
	return n, err
}
