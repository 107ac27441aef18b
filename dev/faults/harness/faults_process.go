package main

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"aftercall/dev/local"
)

// processFaults are those of starters and workers.
func processFaults(t local.Topology) []fault {
	starters, workers := local.Numbered("starter", t.Starters), local.Numbered("worker", t.Workers)
	all := []fault{{"rolling restart", "starters", restarted(starters)}, {"rolling restart", "workers", restarted(workers)}}
	for _, part := range slices.Concat(starters, workers) {
		all = append(
			all, fault{"kill -9", part, killed(part)}, fault{"SIGTERM", part, stopped(part)},
			fault{"SIGSTOP", part, paused(part, 0)}, fault{"SIGSTOP longer than every timeout", part, paused(part, longestTimeout)})
	}
	return all
}

// killed kills the processes of parts, and starts them again.
func killed(parts ...string) begin {
	return func(_ context.Context, w *world) (end, error) {
		for _, part := range parts {
			if err := w.stack.KillPart(part); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context) error {
			for _, part := range parts {
				if err := w.stack.StartPart(ctx, part); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
}

// stopped stops a part with the signal that its operator would use, and starts it again.
func stopped(part string) begin {
	return func(_ context.Context, w *world) (end, error) {
		err := w.stack.StopPart(part)
		return func(ctx context.Context) error { return w.stack.StartPart(ctx, part) }, err
	}
}

// longestTimeout is longer than every timeout of a request and of a step: a delivery may
// take 20 seconds. An attempt to sweep may take longer, and has a heartbeat.
const longestTimeout = 25 * time.Second

// paused stops a process with SIGSTOP, at least for a time.
func paused(part string, least time.Duration) begin {
	return func(ctx context.Context, w *world) (end, error) {
		err := w.stack.Signal(part, syscall.SIGSTOP)
		resume := func(context.Context) error { return w.stack.Signal(part, syscall.SIGCONT) }
		if canceled := wait(ctx, least); canceled != nil {
			return nil, errors.Join(err, canceled, resume(ctx))
		}
		return resume, err
	}
}

// restarted restarts parts one after the other, with SIGTERM.
func restarted(parts []string) begin {
	return func(ctx context.Context, w *world) (end, error) {
		for _, part := range parts {
			if err := w.stack.StopPart(part); err != nil {
				return nil, err
			}
			if err := w.stack.StartPart(ctx, part); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}
