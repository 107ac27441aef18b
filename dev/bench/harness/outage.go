package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/bench/usage"
	"aftercall/dev/tencentsim"
	"aftercall/workflows"
)

// OutageTargets measures the memory of starter and worker when idle, and with
// many calls that wait because the record API fails.
func (b *Bench) OutageTargets(ctx context.Context, calls int) (targets []Target, err error) {
	d, err := b.start(ctx, aftercall)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	// A service counts as idle after some calls: its pools and its code are in memory.
	if _, err := d.run(ctx, Load{Name: "warm-up", Calls: 500, Copies: 1}); err != nil {
		return nil, err
	}
	services, _ := d.pids()
	idle, err := usage.Memory(services)
	if err != nil {
		return nil, err
	}
	if err := d.simulators.tencent.AddAPIFault(tencentsim.APIFault{Code: codeInArrears}); err != nil {
		return nil, err
	}
	s := &sender{simulators: d.simulators, port: d.port, load: Load{Calls: calls, Rate: outageRate, Copies: 1}}
	if err := d.send(ctx, s); err != nil {
		return nil, err
	}
	if err := d.awaitWaiting(ctx, calls); err != nil {
		return nil, err
	}
	waiting, err := usage.Memory(services)
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

// awaitWaiting waits until so many calls wait for their record.
func (d *deployment) awaitWaiting(ctx context.Context, calls int) error {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: d.address, Logger: discardLogger{}})
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
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}
