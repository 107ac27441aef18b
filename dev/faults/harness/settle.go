package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"aftercall/dev/faults/checker"
	"aftercall/internal/ledger"
	"aftercall/workflows"
)

const (
	// recovery is how long everything may take to be right after the last fault. A sweep
	// lists what is lost every minute; a busy machine may need many times as long.
	recovery = 9 * time.Minute
	// lastSweep is how much longer the sweep may take that follows.
	lastSweep = 3 * time.Minute
)

// evidences is where settle gets what it asks the checker about.
type evidences interface {
	// collect gathers everything for the checker. The last time it also looks at what
	// takes long to look at.
	collect(ctx context.Context, last bool) (checker.Evidence, error)
	// unswept are the apps of which no sweep has completed that began after a time and
	// has listed all calls.
	unswept(ctx context.Context, after time.Time) (apps []string, err error)
}

// settle asks the checker until it finds nothing: that is how long the recovery takes.
// Then it waits until each app has been swept since everything was healed, because a sweep
// might charge again what is charged already, and asks once more.
func settle(ctx context.Context, of evidences, healed time.Time) (e checker.Evidence, findings []checker.Finding, recovered time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, recovery+lastSweep)
	defer cancel()
	began := time.Now()
	var right time.Time // since when nothing is found
	for {
		var unswept []string
		var now checker.Evidence
		if unswept, err = of.unswept(ctx, healed); err == nil {
			now, err = of.collect(ctx, len(unswept) == 0)
		}
		if err == nil {
			e, findings = now, checker.Check(now)
			switch {
			case len(findings) > 0:
				right = time.Time{}
			case right.IsZero():
				right = time.Now()
			}
			if !mayHeal(findings) && (len(findings) > 0 || len(unswept) == 0) {
				break
			}
			for _, app := range unswept {
				findings = append(findings, checker.Finding{Kind: checker.Stuck, Text: "no sweep of " + app + " that began after the last fault has listed its calls"})
			}
		}
		if late := right.IsZero() && time.Since(began) >= recovery; late || wait(ctx, time.Second) != nil {
			break
		}
	}
	if right.IsZero() {
		right = time.Now()
	}
	return e, findings, right.Sub(began), err
}

// mayHeal reports whether there are findings, and all of them can be gone a little later.
func mayHeal(findings []checker.Finding) bool {
	for _, f := range findings {
		if !slices.Contains([]string{checker.Lost, checker.NotNotified, checker.NotRelayed, checker.Stuck}, f.Kind) {
			return false
		}
	}
	return len(findings) > 0
}

// unswept implements evidences.
func (w *world) unswept(ctx context.Context, after time.Time) (apps []string, err error) {
	sweeps, err := w.executions(ctx, "WorkflowType = '"+workflows.SweepName+"'")
	if err != nil {
		return nil, err
	}
	store, err := ledger.OpenReadOnly(ctx, w.stack.LedgerURL())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	for _, app := range w.stack.Config.Apps {
		began := slices.ContainsFunc(sweeps, func(s execution) bool {
			return strings.HasPrefix(s.id, workflows.SweepID(app.SDKAppID)+"-") && s.started.After(after) && s.status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
		})
		to, err := store.SweptTo(ctx, app.SDKAppID)
		if err != nil {
			return nil, fmt.Errorf("progress of the sweep of %s: %w", app.Name, err)
		}
		if !began || to.Before(w.lastPlaced()) {
			apps = append(apps, app.Name)
		}
	}
	return apps, nil
}

// lastPlaced is when the last call was placed; all have ended then.
func (w *world) lastPlaced() (last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.placed {
		if c.call.PlacedAt.After(last) {
			last = c.call.PlacedAt
		}
	}
	return last
}
