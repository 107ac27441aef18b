package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/workflows"
)

// Outage measures the memory of starter and worker, idle and with many calls that wait
// for a record API which refuses them.
func (b *Bench) Outage(ctx context.Context, calls int) (targets []Target, err error) {
	p, err := b.start(ctx, Contestant{Name: Ours, Temporal: true, Ours: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	// Idle is a service that has worked: its pools and its code are in memory.
	if _, err := p.run(ctx, Load{Name: "warm-up", Calls: 500, Deliveries: 1}); err != nil {
		return nil, err
	}
	services, _ := p.pids()
	idle, err := memory(services)
	if err != nil {
		return nil, err
	}
	if err := p.world.tencent.AddAPIFault(tencentsim.APIFault{Code: inArrears}); err != nil {
		return nil, err
	}
	s := &sender{world: p.world, port: p.port, load: Load{Calls: calls, Rate: outageRate, Deliveries: 1}}
	if err := p.send(ctx, s); err != nil {
		return nil, err
	}
	if err := p.awaitWaiting(ctx, calls); err != nil {
		return nil, err
	}
	waiting, err := memory(services)
	if err != nil {
		return nil, err
	}
	const mib = 1 << 20
	more := float64(waiting-idle) / mib
	return []Target{{
		fmt.Sprintf("memory of starter and worker with %d calls waiting in a record outage, above idle", calls), "≤ 50 MiB",
		fmt.Sprintf("%.0f MiB (%.0f idle)", more, float64(idle)/mib), more <= 50,
	}}, nil
}

// awaitWaiting returns when so many calls wait for their record.
func (p *play) awaitWaiting(ctx context.Context, calls int) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: p.address, Logger: discard{}})
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: workflows.WaitingQuery(workflows.StageRecord)})
		if err != nil {
			return err
		}
		if n.GetCount() >= int64(calls) {
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}
