package harness

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// AcknowledgementTargets compares the rate of callbacks of new calls with that
// of a loop that only starts the same workflows, and the rate of duplicates with
// that of a handler that only queries Redis once, while Temporal is down.
func (b *Bench) AcknowledgementTargets(ctx context.Context, calls int) (targets []Target, err error) {
	d, err := b.start(ctx, aftercall)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	// Without a worker, only the start of workflows is measured.
	worker := &d.services[0]
	if err := worker.process.kill(); err != nil {
		return nil, err
	}
	worker.process = nil
	c, err := client.DialContext(ctx, client.Options{
		HostPort: d.address, Logger: discardLogger{},
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	acknowledged, err := compare(turns,
		func() (float64, error) { return d.callbackRate(ctx, calls) },
		func() (float64, error) { return d.startRate(ctx, launch.NewCalls(c, "no-worker"), calls) },
	)
	if err != nil {
		return nil, err
	}
	targets = append(targets, acknowledged.target("new callbacks acknowledged, against a loop of workflow starts", 0.85))
	duplicates, err := d.compareDuplicates(ctx, calls*100)
	return append(targets, duplicates), err
}

// startRate starts workflows as the starter does, and returns how many it
// started per second.
func (d *deployment) startRate(ctx context.Context, starter launch.Calls, calls int) (float64, error) {
	params := make([]workflows.AfterCallParams, calls)
	for i := range params {
		call, err := d.simulators.tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: d.simulators.app(i), Seconds: 61, Lose: true})
		if err != nil {
			return 0, err
		}
		params[i] = workflows.AfterCallParams{
			SDKAppID: call.SDKAppID, App: "app-0", CallID: call.Record.CallID, Source: workflows.SourceCallback,
			Callback: &call.Record, EndedAt: call.PlacedAt,
		}
	}
	rate, err := inParallel(calls, func(i int) error {
		_, err := starter.Start(ctx, params[i], "fingerprint")
		return err
	})
	return rate, errors.Join(err, d.awaitIdle(ctx))
}

// callbackRate posts the callbacks of new calls, and returns how many were
// acknowledged per second.
func (d *deployment) callbackRate(ctx context.Context, calls int) (float64, error) {
	s := &sender{simulators: d.simulators, load: Load{Rate: 1}, port: d.port}
	all := make([]endedCall, calls)
	for i := range all {
		var err error
		if all[i], err = s.place(i); err != nil {
			return 0, err
		}
	}
	post := newPoster()
	rate, err := inParallel(calls, func(i int) error { return post(callbackURL(d.port, all[i].app), all[i].body) })
	return rate, errors.Join(err, d.awaitIdle(ctx))
}

// awaitIdle waits until the servers are idle again, after the start delay of the
// last calls has ended.
func (d *deployment) awaitIdle(ctx context.Context) error {
	// Idle is less than idleCPU of CPU time within an interval.
	const interval, idleCPU = 500 * time.Millisecond, 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	if err := sleep(ctx, recordDelay); err != nil {
		return err
	}
	for {
		before, err := d.used()
		if err != nil {
			return err
		}
		if err := sleep(ctx, interval); err != nil {
			return err
		}
		after, err := d.used()
		if err != nil {
			return err
		}
		if after.servers-before.servers < idleCPU {
			return nil
		}
	}
}

// compareDuplicates posts the same callback repeatedly while Temporal is down,
// so that a starter that called Temporal for a duplicate would time out.
func (d *deployment) compareDuplicates(ctx context.Context, posts int) (target Target, err error) {
	const figure = "duplicates answered while Temporal is down, against a handler with one Redis round trip"
	s := &sender{simulators: d.simulators, load: Load{Rate: 1}, port: d.port}
	call, err := s.place(0)
	if err != nil {
		return Target{}, err
	}
	post := newPoster()
	if err := post(callbackURL(d.port, call.app), call.body); err != nil {
		return Target{}, err
	}
	for _, p := range d.temporal {
		if err := p.kill(); err != nil {
			return Target{}, err
		}
	}
	d.temporal = nil
	port, baseline, err := d.startBaseline(ctx)
	if err != nil {
		return Target{}, err
	}
	defer func() { err = errors.Join(err, baseline.kill()) }()
	rate := func(port int) func() (float64, error) {
		return func() (float64, error) {
			return inParallel(posts, func(int) error { return post(callbackURL(port, call.app), call.body) })
		}
	}
	answered, err := compare(turns, rate(d.port), rate(port))
	if err != nil {
		return Target{}, err
	}
	return answered.target(figure, 0.8), nil
}

// startBaseline starts the handler that duplicates are compared with, and returns its port.
func (d *deployment) startBaseline(ctx context.Context) (int, *process, error) {
	ports, err := freeport.Find(1)
	if err != nil {
		return 0, nil, err
	}
	environ := map[string]string{}
	for k, v := range d.environ {
		environ[k] = v
	}
	environ["AFTERCALL_LISTEN"] = address(ports[0])
	baseline, err := start(command{name: "baseline", path: d.bench.Self, args: []string{"contestant", "baseline"}, environ: environ}, d.dir)
	if err != nil {
		return 0, nil, err
	}
	if err := await(ctx, baseline, ready(httpURL(ports[0])+"/readyz")); err != nil {
		return 0, nil, errors.Join(err, baseline.kill())
	}
	return ports[0], baseline, nil
}
