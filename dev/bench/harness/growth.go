package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// GrowthTargets measures whether the cost of a call grows with the number of
// earlier calls: it compares a service that has handled so many thousands of
// calls with a new one.
func (b *Bench) GrowthTargets(ctx context.Context, thousands int) (targets []Target, err error) {
	old, err := b.start(ctx, aftercall)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, old.stop()) }()
	c, err := client.DialContext(ctx, client.Options{HostPort: old.address, Logger: discardLogger{}})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var first, last float64
	for i := range thousands {
		if _, err := old.runThousand(ctx); err != nil {
			return nil, err
		}
		if i == 0 {
			if first, err = old.transitions(ctx, c); err != nil {
				return nil, err
			}
		}
	}
	if last, err = old.transitions(ctx, c); err != nil {
		return nil, err
	}
	fresh, err := b.start(ctx, aftercall)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fresh.stop()) }()
	// The first thousand is not measured: pools, caches and pollers still grow.
	if _, err := fresh.runThousand(ctx); err != nil {
		return nil, err
	}
	cost, err := compare(turns,
		func() (float64, error) { return old.runThousand(ctx) },
		func() (float64, error) { return fresh.runThousand(ctx) },
	)
	if err != nil {
		return nil, err
	}
	percent := func(ratio float64) float64 { return 100 * (ratio - 1) }
	r, lowest, highest := cost.ratio()
	return []Target{
		{
			fmt.Sprintf("CPU of starter and worker per call, after %d,000 calls, against a new service", thousands), "within 10 %",
			fmt.Sprintf("%+.0f %% (%+.0f–%+.0f; %.1f against %.1f ms)", percent(r), percent(lowest), percent(highest), median(cost.ours), median(cost.baseline)),
			percent(r) <= 10,
		},
		{
			fmt.Sprintf("state transitions per call, call 1,000 to %d,000", thousands), "within 10 %",
			fmt.Sprintf("%+.0f %% (%.2f to %.2f)", percent(last/first), first, last), percent(last/first) <= 10,
		},
	}, nil
}

// runThousand runs 1000 calls, none of which may be lost, and returns the CPU
// time of the service in milliseconds per call.
func (d *deployment) runThousand(ctx context.Context) (float64, error) {
	r, err := d.run(ctx, Load{Name: "growth", Calls: 1000, Copies: 1})
	if err == nil && !r.Verification.Clean() {
		err = fmt.Errorf("%d of %d calls lost, %d duplicated", r.Verification.Lost(), r.Verification.Calls, r.Verification.Duplicated())
	}
	return ms(r.ServiceCPU), err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// transitions returns the mean number of state transitions of some calls of the
// last load.
func (d *deployment) transitions(ctx context.Context, c client.Client) (float64, error) {
	var sum, n int64
	for id, app := range d.sampleCalls() {
		workflowID := workflows.AfterCallID(app, id)
		// The webhook comes before the last transition.
		if err := c.GetWorkflow(ctx, workflowID, "").Get(ctx, nil); err != nil {
			return 0, err
		}
		description, err := c.DescribeWorkflowExecution(ctx, workflowID, "")
		if err != nil {
			return 0, err
		}
		sum += description.GetWorkflowExecutionInfo().GetStateTransitionCount()
		n++
	}
	return float64(sum) / float64(n), nil
}

// sampleCalls chooses some of the calls that ended last.
func (d *deployment) sampleCalls() map[string]tencent.SDKAppID {
	chosen := map[string]tencent.SDKAppID{}
	calls := d.simulators.tencent.Calls()
	for i := len(calls) - 1; i >= 0 && len(chosen) < sampled; i -= 7 {
		chosen[calls[i].Record.CallID] = calls[i].SDKAppID
	}
	return chosen
}
