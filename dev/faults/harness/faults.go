package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aftercall/dev/local"
)

// fault is something that goes wrong for a while.
type fault struct {
	// kind and part are its name: what goes wrong, and what it happens to.
	kind, part string
	begin      begin
}

// begin lets a fault happen, and returns what ends it: nil if it is over already. A fault
// that may happen to nobody tells world.shows how its effect is seen.
type begin func(context.Context, *world) (end, error)

// end puts everything right again, also after the run was canceled.
type end func(context.Context) error

// notPossibleError is why a fault cannot be injected here.
type notPossibleError string

// Error implements error.
func (n notPossibleError) Error() string { return string(n) }

// String is the fault in a timeline.
func (f fault) String() string { return f.part + ": " + f.kind }

// run lets the fault happen for a while.
func (f fault) run(ctx context.Context, w *world, lasts time.Duration) error {
	w.note("%s, for %s", f, lasts.Round(time.Millisecond))
	before, err := w.logs()
	if err != nil {
		return err
	}
	w.effect = nil
	end, err := f.begin(ctx, w)
	if errors.As(err, new(notPossibleError)) {
		w.note("%s is not injected: %v", f, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f, err)
	}
	var canceled error
	if end != nil {
		canceled = wait(ctx, lasts)
	}
	seen, err := w.awaitEffect(ctx)
	if end != nil {
		err = errors.Join(err, end(context.WithoutCancel(ctx)))
	}
	if err := errors.Join(canceled, err); err != nil {
		return fmt.Errorf("end of %s: %w", f, err)
	}
	complaints, err := w.complaints(before)
	w.note("%s is over: %s; %s", f, cmp.Or(seen, noEffect), cmp.Or(complaints.String(), "no warnings"))
	if seen != "" {
		w.injected = append(w.injected, f)
	}
	return err
}

// catalogue are the faults of a topology in a fixed order.
func catalogue(t local.Topology) []fault {
	return slices.Concat(
		processFaults(t),
		pointFaults(),
		versionFaults(t),
		redisFaults(),
		temporalFaults(t),
		ledgerFaults(t),
		eventFaults(),
		tencentFaults(),
		receiverFaults(),
		networkFaults(t),
		clockFaults(),
	)
}

// wait waits for the time of a plan.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
