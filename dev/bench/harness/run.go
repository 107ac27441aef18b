package harness

import (
	"context"
	"errors"
	"time"
)

// Result are the figures of one contestant under one load.
type Result struct {
	Contestant string
	Load       Load
	Verdict    Verdict
	// Ack is the answer to a callback, from when the callback was due.
	Ack Spread
	// Refused are callbacks that were not acknowledged at their first attempt.
	Refused int
	// Late is from the end of a call's wait to the arrival of its webhook.
	Late Spread
	// PerSecond is calls from the first callback to the last webhook.
	PerSecond float64
	// ServiceCPU and ServerCPU are per call; servers are Temporal, Redis and
	// PostgreSQL. TemporalCPU is the part of the first of them.
	ServiceCPU, ServerCPU, TemporalCPU time.Duration
	// Elapsed is from the first callback to the last webhook.
	Elapsed time.Duration
	// ServiceMemory and ServerMemory are bytes, at the end of the load.
	ServiceMemory, ServerMemory int64
}

const (
	// rest lets the servers finish what the last call left to do; it counts.
	rest = time.Second
	// downtime is between a kill and the start.
	downtime = time.Second
	// acceptTimeout bounds how long an unacknowledged callback is sent again.
	acceptTimeout = 60 * time.Second
)

// run sends a load, waits for what comes of it, and counts.
func (p *play) run(ctx context.Context, load Load) (Result, error) {
	r := Result{Contestant: p.contestant.Name, Load: load}
	p.world.sink.reset()
	s := &sender{world: p.world, load: load, port: p.port}
	before, err := p.used()
	if err != nil {
		return r, err
	}
	begin := time.Now()
	if err := p.send(ctx, s); err != nil {
		return r, err
	}
	last := p.awaitWebhooks(ctx, load.Calls)
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-time.After(rest):
	}
	after, err := p.used()
	if err != nil {
		return r, err
	}
	services, servers := p.pids()
	if r.ServiceMemory, err = memory(services); err != nil {
		return r, err
	}
	if r.ServerMemory, err = memory(servers); err != nil {
		return r, err
	}
	r.Ack, r.Refused = spread(s.latencies), s.refused
	r.Late = spread(p.world.sink.lateness(s.ready()))
	r.Elapsed = last.Sub(begin)
	r.PerSecond = float64(load.Calls) / r.Elapsed.Seconds()
	if !load.Kill { // a killed service took its figures with it
		each := time.Duration(load.Calls)
		r.ServiceCPU = (after.services - before.services) / each
		r.ServerCPU = (after.servers - before.servers) / each
		r.TemporalCPU = (after.temporal - before.temporal) / each
	}
	charged, err := chargedCalls(ctx, p.ledgerURL)
	if err != nil {
		return r, err
	}
	p.world.sink.mu.Lock()
	defer p.world.sink.mu.Unlock()
	r.Verdict = verify(s.acceptedIDs(), charged, p.world.sink.calls, p.world.sink.forged)
	return r, nil
}

// usage is CPU time: of the service, of all servers, and of Temporal alone.
type usage struct{ services, servers, temporal time.Duration }

// used is the CPU time so far.
func (p *play) used() (u usage, err error) {
	services, servers := p.pids()
	var errServices, errServers, errTemporal error
	u.services, errServices = cpu(services)
	u.servers, errServers = cpu(servers)
	if p.temporal != nil {
		u.temporal, errTemporal = cpu([]int{p.temporal.cmd.Process.Pid})
	}
	return u, errors.Join(errServices, errServers, errTemporal)
}

// send posts the load, kills the service in the middle if that is asked for,
// and makes sure that every callback is acknowledged in the end.
func (p *play) send(ctx context.Context, s *sender) error {
	done := make(chan error, 1)
	go func() { done <- s.send(ctx) }()
	var killed error
	if s.load.Kill {
		killed = p.killHalfWay(ctx, s)
	}
	if err := errors.Join(<-done, killed); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	return s.resend(ctx)
}

func (p *play) killHalfWay(ctx context.Context, s *sender) error {
	for {
		if n, _ := p.world.sink.count(); n >= s.load.Calls/2 {
			break
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	if err := p.killServices(); err != nil {
		return err
	}
	if err := pause(ctx, downtime); err != nil {
		return err
	}
	return p.startServices(ctx)
}

// awaitWebhooks returns when the last webhook came, once all have or nothing
// has come for as long as patience lasts.
func (p *play) awaitWebhooks(ctx context.Context, calls int) time.Time {
	seen, since := -1, time.Now()
	for {
		n, last := p.world.sink.count()
		if n >= calls {
			return last
		}
		if n > seen {
			seen, since = n, time.Now()
		}
		if time.Since(since) > p.bench.Patience || pause(ctx, 5*time.Millisecond) != nil {
			return time.Now()
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
