package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aftercall/dev/faults/planted/active"
	"aftercall/dev/local"
	"aftercall/internal/freeport"
)

// killPoints are the points of dev/faults/planted/points, and what a timeline says of
// them.
var killPoints = []struct{ name, says string }{
	{"starter-before-start", "killed between claim and start"},
	{"starter-before-confirmation", "killed between start and confirmation"},
	{"worker-before-commit", "killed in an activity, before the ledger commits"},
	{"worker-after-commit", "killed in an activity, after the ledger has committed"},
	{"worker-after-delivery", "killed in an activity, after the target has accepted"},
	{"worker-before-sweep-progress", "killed in a sweep, before its progress is kept"},
}

// reached bounds how long a process may take to come to its point. Sweeps run every
// minute.
const reached = 3 * time.Minute

// pointFaults kill a starter or a worker at an exact point.
func pointFaults() (all []fault) {
	for _, p := range killPoints {
		part, _, _ := strings.Cut(p.name, "-")
		all = append(all, fault{p.says, part, killedAt(part, p.name)})
	}
	return all
}

// killedAt runs a part as a program that kills itself at a point, and lets calls end
// until it has come there.
func killedAt(part, point string) begin {
	return func(ctx context.Context, w *world) (end, error) {
		file := filepath.Join(w.stack.Dir(), "kill point")
		if err := w.stack.StopPart(part); err != nil {
			return nil, err
		}
		if err := w.stack.LaunchPart(part, w.otherVersion(part), map[string]string{active.PointVariable: file}); err != nil {
			return nil, err
		}
		if err := w.stack.AwaitPart(ctx, part); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file+".next", []byte(point), 0o600); err != nil {
			return nil, err
		}
		if err := os.Rename(file+".next", file); err != nil {
			return nil, err
		}
		if err := w.lead(ctx, part, point); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			if err := w.stack.StopPart(part); err == nil {
				return fmt.Errorf("the %s has not been killed", part)
			}
			w.noteEnded()
			return w.stack.StartPart(ctx, part)
		}, nil
	}
}

// lead lets calls end until a part has come to the point at which it kills itself.
func (w *world) lead(ctx context.Context, part, point string) error {
	for n, began := 1, time.Now(); time.Since(began) < reached; n++ {
		if !w.runs(part) {
			return nil
		}
		if err := w.placeClean(clinic, fmt.Sprintf("%s-%d-%d", point, began.Unix(), n), strings.Contains(point, "sweep")); err != nil {
			return err
		}
		if err := wait(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("the %s has not come to its point within %s", part, reached)
}

// otherVersion is another build of the product, with another checksum, by which Temporal
// tells builds apart.
func (w *world) otherVersion(part string) local.Service {
	kind, _, _ := strings.Cut(part, "-")
	return local.Service{Program: filepath.Join(w.planted, "aftercall"), Args: []string{kind}}
}

// versionFaults run two versions at once.
func versionFaults(t local.Topology) []fault {
	starters, workers := local.Numbered("starter", t.Starters), local.Numbered("worker", t.Workers)
	all := []fault{
		{"rolled to another version and back", "starters", rolled(starters)},
		{"rolled to another version and back", "workers", rolled(workers)},
		{"two versions at once", "workers", beside("worker")},
	}
	if t.Starters > 1 {
		all = append(all, fault{"two versions at once", "starters", rolled(starters[1:])})
	}
	return all
}

// rolled replaces parts one after the other by another version, and then back.
func rolled(parts []string) begin {
	return func(ctx context.Context, w *world) (end, error) {
		for _, part := range parts {
			if err := w.stack.StopPart(part); err != nil {
				return nil, err
			}
			if err := w.stack.LaunchPart(part, w.otherVersion(part), nil); err != nil {
				return nil, err
			}
			if err := w.stack.AwaitPart(ctx, part); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context) error {
			_, err := restarted(parts)(ctx, w)
			return err
		}, nil
	}
}

// beside runs another version of a worker besides it, until it has executed workflow
// tasks.
func beside(part string) begin {
	return func(_ context.Context, w *world) (end, error) {
		ports, err := freeport.Find(1)
		if err != nil {
			return nil, err
		}
		name := "other " + part
		err = w.stack.Launch(name, w.otherVersion(part), ports[0], nil)
		w.shows(tasksOf(service{name, adminURL(ports[0])}))
		return func(context.Context) error { return w.stack.StopPart(name) }, err
	}
}

// workflowTasks is the metric of the SDK that has one sample for each task.
const workflowTasks = "temporal_workflow_task_execution_latency_seconds"

// tasksOf is the effect that a worker has executed workflow tasks.
func tasksOf(worker service) effect {
	return func(ctx context.Context) (string, error) {
		families, err := local.Metrics(ctx, worker.admin+"/metrics")
		if err != nil {
			return "", nil //nolint:nilerr // it is starting
		}
		n := 0.0
		for _, m := range families[workflowTasks].GetMetric() {
			n += float64(m.GetHistogram().GetSampleCount()) + m.GetCounter().GetValue()
		}
		if n == 0 {
			return "", nil
		}
		return fmt.Sprintf("%s has executed %.0f workflow tasks", worker.name, n), nil
	}
}
