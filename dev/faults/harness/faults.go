package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/tencent"
)

// codeThrottled is Tencent's answer to too many requests. D:68926
const codeThrottled tencent.Code = 60011

// fault is something that goes wrong for a while. run returns when it is over.
type fault struct {
	// kind is what the table of results counts, part what it happens to.
	kind, part string
	run        func(context.Context, *world, time.Duration) error
}

// String is the fault in a timeline.
func (f fault) String() string { return f.part + ": " + f.kind }

// catalogue are the faults of a topology in a fixed order, grouped by what they happen
// to. A plan chooses a group and then a fault, so that none is rare because its group
// is small.
func catalogue(t local.Topology, networks []string) [][]fault {
	starters, workers := local.Numbered("starter", t.Starters), local.Numbered("worker", t.Workers)
	services := []fault{{"rolling restart", "starters", rolling(starters)}, {"rolling restart", "workers", rolling(workers)}}
	for _, part := range append(starters, workers...) {
		services = append(services, fault{"kill -9", part, killed(part)}, fault{"SIGSTOP", part, paused(part)})
	}
	var network []fault
	for _, name := range networks {
		network = append(network, networkFaults(name)...)
	}
	return [][]fault{
		services,
		{
			{"kill -9", "redis", killed("redis")},
			{"restart empty", "redis", restartedEmpty},
			{"FLUSHALL", "redis", flushed},
		},
		temporalFaults(t),
		{
			{"internal error", "record API", failingAPI(tencent.CodeInternal)},
			{"throttled", "record API", failingAPI(codeThrottled)},
		},
		{
			{"500", "receivers", failingReceivers(webhookreceiver.Failure{Status: http.StatusInternalServerError})},
			{"429 with Retry-After", "receivers", failingReceivers(webhookreceiver.Failure{Status: http.StatusTooManyRequests, RetryAfter: "2"})},
			{"timeout", "receivers", failingReceivers(webhookreceiver.Failure{DelayMS: 60_000})},
		},
		network,
	}
}

func temporalFaults(t local.Topology) (all []fault) {
	nodes := local.Numbered("temporal", max(1, len(t.Nodes)))
	for _, node := range nodes {
		all = append(all, fault{"kill -9", node, killed(node)}, fault{"SIGSTOP", node, paused(node)})
	}
	if len(nodes) > 1 {
		all = append(all, fault{"kill -9 of all nodes", "temporal", killed(nodes...)})
	}
	if t.Postgres {
		all = append(all, fault{"kill -9", "postgres", killed("postgres")})
	}
	return all
}

func networkFaults(name string) []fault {
	part := "network to " + name
	toxic := func(kind, json string) fault {
		return fault{kind, part, func(ctx context.Context, w *world, d time.Duration) error {
			if err := w.network.disturb(name, json); err != nil {
				return err
			}
			err := wait(ctx, d)
			w.network.heal(name)
			return err
		}}
	}
	return []fault{
		{"cut and refused", part, func(ctx context.Context, w *world, d time.Duration) error {
			w.network.refuse(name)
			return errors.Join(wait(ctx, d), w.network.accept(name))
		}},
		toxic("600 ms late", `{"type": "latency", "attributes": {"latency": 600, "jitter": 300}}`),
		toxic("cut in mid-answer", `{"type": "limit_data", "attributes": {"bytes": 300}}`),
		toxic("half open", `{"type": "timeout", "attributes": {"timeout": 0}}`),
		toxic("slow close", `{"type": "slow_close", "attributes": {"delay": 3000}}`),
	}
}

// killed kills the processes of parts, and starts them again after a while.
func killed(parts ...string) func(context.Context, *world, time.Duration) error {
	return func(ctx context.Context, w *world, d time.Duration) error {
		for _, part := range parts {
			if err := w.stack.KillPart(part); err != nil {
				return err
			}
		}
		if err := wait(ctx, d); err != nil {
			return err
		}
		for _, part := range parts {
			if err := w.stack.StartPart(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}
}

// paused stops a process for a while with SIGSTOP.
func paused(part string) func(context.Context, *world, time.Duration) error {
	return func(ctx context.Context, w *world, d time.Duration) error {
		if err := w.stack.Signal(part, syscall.SIGSTOP); err != nil {
			return err
		}
		return errors.Join(wait(ctx, d), w.stack.Signal(part, syscall.SIGCONT))
	}
}

// rolling restarts parts one after the other, with SIGTERM.
func rolling(parts []string) func(context.Context, *world, time.Duration) error {
	return func(ctx context.Context, w *world, _ time.Duration) error {
		for _, part := range parts {
			if err := w.stack.StopPart(part); err != nil {
				return err
			}
			if err := w.stack.StartPart(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}
}

func restartedEmpty(ctx context.Context, w *world, d time.Duration) error {
	if err := w.stack.KillPart("redis"); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(w.stack.Dir(), "redis")); err != nil {
		return err
	}
	return errors.Join(wait(ctx, d), w.stack.StartPart(ctx, "redis"))
}

func flushed(ctx context.Context, w *world, _ time.Duration) error {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", w.stack.Ports().Redis)})
	defer c.Close()
	return c.FlushAll(ctx).Err()
}

func failingAPI(code tencent.Code) func(context.Context, *world, time.Duration) error {
	return func(ctx context.Context, w *world, d time.Duration) error {
		if err := w.stack.Tencent.AddAPIFault(tencentsim.APIFault{Code: code}); err != nil {
			return err
		}
		return errors.Join(wait(ctx, d), w.stack.Tencent.ClearFaults())
	}
}

func failingReceivers(f webhookreceiver.Failure) func(context.Context, *world, time.Duration) error {
	return func(ctx context.Context, w *world, d time.Duration) error {
		if err := w.stack.Webhooks.Fail(f); err != nil {
			return err
		}
		err := wait(ctx, d)
		w.stack.Webhooks.ClearFailures()
		return err
	}
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
