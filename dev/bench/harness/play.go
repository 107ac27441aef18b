package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"aftercall/internal/freeport"
)

// Contestant is one way to do the job.
type Contestant struct {
	Name string
	// Title and Form say what it is and how it is set up.
	Title, Form string
	Temporal    bool
	// Ours is starter and worker in place of a contestant of the bench.
	Ours bool
}

// Bench runs contestants.
type Bench struct {
	// Root is the project's folder, Dir that of data and logs.
	Root, Dir string
	// Self is this program, Temporal the temporal CLI.
	Self, Temporal string
	Servers        *Servers
	// Apps is over how many apps the calls are spread.
	Apps int
	// Patience is how long to wait for a message that does not come.
	Patience time.Duration
	plays    int
}

// play is one contestant, running.
type play struct {
	bench      *Bench
	contestant Contestant
	dir        string
	world      *world
	temporal   *process
	address    string // of Temporal
	ledgerURL  string
	environ    map[string]string
	port       int
	services   []service
}

// service is a process of the contestant, and how to start it again.
type service struct {
	command command
	ready   string
	process *process
}

// Play runs a contestant from scratch through loads, one after the other.
func (b *Bench) Play(ctx context.Context, c Contestant, loads []Load) (results []Result, err error) {
	p, err := b.start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	for _, load := range loads {
		r, err := p.run(ctx, load)
		if err != nil {
			return results, fmt.Errorf("%s, %s: %w", c.Name, load.Name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// start starts a contestant with everything around it. On an error, what was started is stopped.
func (b *Bench) start(ctx context.Context, c Contestant) (*play, error) {
	b.plays++
	p := &play{bench: b, contestant: c, dir: filepath.Join(b.Dir, fmt.Sprintf("%03d-%s", b.plays, c.Name))}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *play) start(ctx context.Context) (err error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	if p.world, err = startWorld(ctx, p.bench.Apps); err != nil {
		return err
	}
	if err := p.bench.Servers.FlushRedis(ctx); err != nil {
		return fmt.Errorf("flush Redis: %w", err)
	}
	if p.contestant.Temporal {
		if p.temporal, p.address, err = startTemporal(ctx, p.bench.Temporal, p.dir, p.dir); err != nil {
			return err
		}
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	return p.startServices(ctx)
}

// prepare makes databases, settings and the list of services.
func (p *play) prepare(ctx context.Context) (err error) {
	if p.ledgerURL, err = p.bench.Servers.NewDatabase(ctx, "ledger"); err != nil {
		return err
	}
	engineURL, err := p.bench.Servers.NewDatabase(ctx, "engine")
	if err != nil {
		return err
	}
	config := filepath.Join(p.dir, "aftercall.yaml")
	if err := p.world.writeConfig(config); err != nil {
		return err
	}
	ports, err := freeport.Find(3)
	if err != nil {
		return err
	}
	p.port = ports[0]
	p.environ = map[string]string{
		"AFTERCALL_CONFIG": config, "AFTERCALL_LISTEN": address(p.port), "LEDGER_URL": p.ledgerURL,
		"REDIS_URL": p.bench.Servers.RedisURL(), "TEMPORAL_ADDRESS": p.address, "BENCH_ENGINE_URL": engineURL,
		"BENCH_WEBHOOK_URL": httpURL(p.world.hooks) + hookPath, "BENCH_WEBHOOK_SECRET": webhookSecret,
	}
	if !p.contestant.Ours {
		p.services = []service{{
			command: command{name: p.contestant.Name, path: p.bench.Self, args: []string{"contestant", p.contestant.Name}, environ: p.environ},
			ready:   httpURL(p.port) + "/readyz",
		}}
		return nil
	}
	for i, name := range []string{"worker", "starter"} {
		environ := map[string]string{"AFTERCALL_ADMIN_LISTEN": address(ports[1+i])}
		for k, v := range p.environ {
			environ[k] = v
		}
		p.services = append(p.services, service{
			command: command{name: name, path: filepath.Join(p.bench.Root, "bin", name), environ: environ},
			ready:   httpURL(ports[1+i]) + "/readyz",
		})
	}
	return nil
}

func (p *play) startServices(ctx context.Context) (err error) {
	for i := range p.services {
		s := &p.services[i]
		if s.process, err = start(s.command, p.dir); err != nil {
			return err
		}
		if err := await(ctx, s.process, ready(s.ready)); err != nil {
			return err
		}
	}
	return nil
}

// killServices is kill -9 of all of them.
func (p *play) killServices() error {
	var errs []error
	for i := range p.services {
		errs = append(errs, p.services[i].process.kill())
		p.services[i].process = nil
	}
	return errors.Join(errs...)
}

// stop stops everything that was started, the last first. What the services
// have to say about that is in their logs.
func (p *play) stop() error {
	var errs []error
	for _, s := range slices.Backward(p.services) {
		if s.process != nil {
			errs = append(errs, s.process.kill())
		}
	}
	if p.temporal != nil {
		errs = append(errs, p.temporal.stop(syscall.SIGTERM))
	}
	if p.world != nil {
		errs = append(errs, p.world.stop())
	}
	return errors.Join(errs...)
}

// pids are the processes of the service, and of the servers behind it.
func (p *play) pids() (services, servers []int) {
	for _, s := range p.services {
		if s.process != nil {
			services = append(services, s.process.cmd.Process.Pid)
		}
	}
	if p.temporal != nil {
		servers = append(servers, p.temporal.cmd.Process.Pid)
	}
	servers = append(servers, p.bench.Servers.redis.cmd.Process.Pid)
	return services, append(servers, withChildren(p.bench.Servers.postgres.cmd.Process.Pid)...)
}
