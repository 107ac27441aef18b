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

// Flat measures what calls cost as they become many: a service with so many thousands of
// them behind it takes turns with a new one.
func (b *Bench) Flat(ctx context.Context, thousands int) (targets []Target, err error) {
	ours := Contestant{Name: Ours, Temporal: true, Ours: true}
	old, err := b.start(ctx, ours)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, old.stop()) }()
	c, err := client.DialContext(ctx, client.Options{HostPort: old.address, Logger: discard{}})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var first, last float64
	for i := range thousands {
		if _, err := old.thousand(ctx); err != nil {
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
	fresh, err := b.start(ctx, ours)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fresh.stop()) }()
	// Pools, caches and pollers reach their size before anything counts.
	if _, err := fresh.thousand(ctx); err != nil {
		return nil, err
	}
	cost, err := compare(tries,
		func() (float64, error) { return old.thousand(ctx) },
		func() (float64, error) { return fresh.thousand(ctx) },
	)
	if err != nil {
		return nil, err
	}
	percent := func(ratio float64) float64 { return 100 * (ratio - 1) }
	r, lowest, highest := cost.ratio()
	return []Target{
		{
			fmt.Sprintf("CPU of starter and worker per call, after %d,000 calls, against a new service", thousands), "within 10 %",
			fmt.Sprintf("%+.0f %% (%+.0f–%+.0f; %.1f against %.1f ms)", percent(r), percent(lowest), percent(highest), middle(cost.ours), middle(cost.bare)),
			percent(r) <= 10,
		},
		{
			fmt.Sprintf("state transitions per call, call 1,000 to %d,000", thousands), "within 10 %",
			fmt.Sprintf("%+.0f %% (%.2f to %.2f)", percent(last/first), first, last), percent(last/first) <= 10,
		},
	}, nil
}

// thousand runs so many calls, none of which may be lost, and returns the
// milliseconds of CPU that each of them took of the service.
func (p *play) thousand(ctx context.Context) (float64, error) {
	r, err := p.run(ctx, Load{Name: "flat", Calls: 1000, Deliveries: 1})
	if err == nil && !r.Verdict.Clean() {
		err = fmt.Errorf("%d of %d calls lost, %d doubled", r.Verdict.Lost(), r.Verdict.Calls, r.Verdict.Doubled())
	}
	return ms(r.ServiceCPU), err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// transitions is the mean of some calls of the load that has just ended.
func (p *play) transitions(ctx context.Context, c client.Client) (float64, error) {
	var sum, n int64
	for id, app := range p.sample() {
		workflowID := workflows.AfterCallID(app, id)
		// The webhook comes before the last transition.
		if err := c.GetWorkflow(ctx, workflowID, "").Get(ctx, nil); err != nil {
			return 0, err
		}
		d, err := c.DescribeWorkflowExecution(ctx, workflowID, "")
		if err != nil {
			return 0, err
		}
		sum += d.GetWorkflowExecutionInfo().GetStateTransitionCount()
		n++
	}
	return float64(sum) / float64(n), nil
}

// sample chooses some calls whose webhook came.
func (p *play) sample() map[string]tencent.SDKAppID {
	chosen := map[string]tencent.SDKAppID{}
	calls := p.world.tencent.Calls()
	for i := len(calls) - 1; i >= 0 && len(chosen) < sampled; i -= 7 {
		chosen[calls[i].Record.CallID] = calls[i].SDKAppID
	}
	return chosen
}
