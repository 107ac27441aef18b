package harness

import (
	"context"
	"errors"
	"time"

	"aftercall/dev/bench/usage"
)

// Result is what was measured for one contestant under one load.
type Result struct {
	Contestant string
	// Aftercall is whether that runs aftercall, on whatever server.
	Aftercall    bool
	Load         Load
	Verification Verification
	// Ack is the time from when a callback was due to its acknowledgement.
	Ack Percentiles
	// Refused counts requests that were not acknowledged.
	Refused int
	// WebhookDelay is the time from when a call's record was ready to its webhook.
	WebhookDelay Percentiles
	// PerSecond is the number of calls per second of Elapsed.
	PerSecond float64
	// ServiceCPU and ServerCPU are CPU times per call. The servers are Temporal,
	// Redis and PostgreSQL; TemporalCPU is the part of Temporal.
	ServiceCPU, ServerCPU, TemporalCPU time.Duration
	// Elapsed is the time from the first callback to the last webhook.
	Elapsed time.Duration
	// ServiceMemory and ServerMemory are bytes, at the end of the load.
	ServiceMemory, ServerMemory int64
}

const (
	// drainTime is how long the servers have to finish work after the last
	// webhook. The CPU time they use in it is counted.
	drainTime = time.Second
	// downtime is the time between a kill and the restart.
	downtime = time.Second
	// acceptTimeout bounds how long an unacknowledged callback is sent again,
	// and how long it takes the servers to become idle.
	acceptTimeout = 5 * time.Minute
)

// run sends a load, waits for its webhooks, and measures.
func (d *deployment) run(ctx context.Context, load Load) (Result, error) {
	r := Result{Contestant: d.contestant.Name, Aftercall: d.contestant.Runs(Aftercall), Load: load}
	d.simulators.webhooks.reset()
	s := &sender{simulators: d.simulators, load: load, port: d.port}
	d.sender = s
	before, err := d.used()
	if err != nil {
		return r, err
	}
	begin := time.Now()
	if err := d.send(ctx, s); err != nil {
		return r, err
	}
	last := d.awaitWebhooks(ctx, load.Calls)
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-time.After(drainTime):
	}
	after, err := d.used()
	if err != nil {
		return r, err
	}
	services, servers := d.pids()
	if r.ServiceMemory, err = usage.Memory(services); err != nil {
		return r, err
	}
	if r.ServerMemory, err = usage.Memory(servers); err != nil {
		return r, err
	}
	r.Ack, r.Refused = percentiles(s.latencies), s.refused
	r.WebhookDelay = percentiles(d.simulators.webhooks.delays(s.ready()))
	r.Elapsed = last.Sub(begin)
	r.PerSecond = float64(load.Calls) / r.Elapsed.Seconds()
	if !load.Kill { // the CPU time of a killed process is not known
		each := time.Duration(load.Calls)
		r.ServiceCPU = (after.services - before.services) / each
		r.ServerCPU = (after.servers - before.servers) / each
		r.TemporalCPU = (after.temporal - before.temporal) / each
	}
	charged, err := chargedCalls(ctx, d.ledgerURL)
	if err != nil {
		return r, err
	}
	d.simulators.webhooks.mu.Lock()
	defer d.simulators.webhooks.mu.Unlock()
	r.Verification = verify(s.acceptedIDs(), charged, d.simulators.webhooks.calls, d.simulators.webhooks.badSignatures)
	return r, nil
}

// cpuTimes are CPU times: of the service, of all servers, and of Temporal only.
type cpuTimes struct{ services, servers, temporal time.Duration }

// used returns the CPU time used so far.
func (d *deployment) used() (u cpuTimes, err error) {
	services, servers := d.pids()
	var errServices, errServers, errTemporal error
	u.services, errServices = usage.CPU(services)
	u.servers, errServers = usage.CPU(servers)
	u.temporal, errTemporal = usage.CPU(d.temporalPids())
	return u, errors.Join(errServices, errServers, errTemporal)
}

// send posts the load, kills the service in the median if that is asked for,
// and makes sure that every callback is acknowledged in the end.
func (d *deployment) send(ctx context.Context, s *sender) error {
	done := make(chan error, 1)
	go func() { done <- s.send(ctx) }()
	var killed error
	if s.load.Kill {
		killed = d.killHalfway(ctx, s)
	}
	if err := errors.Join(<-done, killed); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	return s.resend(ctx)
}

func (d *deployment) killHalfway(ctx context.Context, s *sender) error {
	for {
		if n, _ := d.simulators.webhooks.count(); n >= s.load.Calls/2 {
			break
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	if err := d.killServices(); err != nil {
		return err
	}
	if err := sleep(ctx, downtime); err != nil {
		return err
	}
	return d.startServices(ctx)
}

// awaitWebhooks waits until every call has a webhook, or none has come for
// QuietTimeout. It returns when the last one came, or the current time if some
// are missing.
func (d *deployment) awaitWebhooks(ctx context.Context, calls int) time.Time {
	seen, since := -1, time.Now()
	for {
		n, last := d.simulators.webhooks.count()
		if n >= calls {
			return last
		}
		if n > seen {
			seen, since = n, time.Now()
		}
		if time.Since(since) > d.bench.QuietTimeout || sleep(ctx, 5*time.Millisecond) != nil {
			return time.Now()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
