package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"aftercall/dev/bench/usage"
	"aftercall/internal/freeport"
)

// Contestant is one way to do the job.
type Contestant struct {
	Name string
	// Title and Form describe it for the tables.
	Title, Form string
	// Temporal reports whether it needs a Temporal server, StockServer whether that is as
	// it comes, or as the local stack has it: with a slim list of workflows, and with less
	// garbage collection. Cluster reports whether that is a cluster on PostgreSQL, as it comes.
	Temporal, StockServer, Cluster bool
	// Program is the name of the contestant whose program it runs, empty for its own.
	Program string
}

// program is the name of the contestant whose program runs.
func (c Contestant) program() string { return cmp.Or(c.Program, c.Name) }

// Runs reports whether c runs the program of the contestant with that name.
func (c Contestant) Runs(name string) bool { return c.program() == name }

// Bench runs contestants.
type Bench struct {
	// Root is the project's folder, Dir that of data and logs.
	Root, Dir string
	// Self is the path of this program, Temporal that of the temporal CLI, and Cluster
	// that of a cluster's nodes, if a contestant needs it.
	Self, Temporal, Cluster string
	Servers                 *Servers
	// Apps is the number of apps that the calls are spread over.
	Apps int
	// Turns is how often burn-downs and steady loads are measured for the targets.
	Turns int
	// QuietTimeout is how long to wait without a webhook until the missing ones
	// count as lost.
	QuietTimeout time.Duration

	deployments int
}

// deployment is a running contestant with its servers and simulators.
type deployment struct {
	bench      *Bench
	contestant Contestant
	dir        string
	simulators *simulators
	temporal   []*process // a development server, or the nodes of a cluster
	address    string     // of Temporal
	ledgerURL  string
	environ    map[string]string
	port       int
	services   []service
	// sender is that of the last load.
	sender *sender
}

// service is a process of a contestant, with what it takes to start it again.
type service struct {
	command command
	ready   string
	process *process
}

// Run starts a contestant without any data and runs one load after the other.
func (b *Bench) Run(ctx context.Context, c Contestant, loads []Load) (results []Result, err error) {
	d, err := b.start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	for _, load := range loads {
		r, err := d.run(ctx, load)
		if err != nil {
			return results, fmt.Errorf("%s, %s: %w", c.Name, load.Name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// start starts a contestant with its servers and simulators. On an error, what
// was started is stopped.
func (b *Bench) start(ctx context.Context, c Contestant) (*deployment, error) {
	b.deployments++
	d := &deployment{bench: b, contestant: c, dir: filepath.Join(b.Dir, fmt.Sprintf("%03d-%s", b.deployments, c.Name))}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func (d *deployment) start(ctx context.Context) (err error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if d.simulators, err = startSimulators(ctx, d.bench.Apps); err != nil {
		return err
	}
	if err := d.bench.Servers.FlushRedis(ctx); err != nil {
		return fmt.Errorf("flush Redis: %w", err)
	}
	if d.contestant.Temporal {
		startServer := d.startTemporal
		if d.contestant.Cluster {
			startServer = d.startCluster
		}
		if err := startServer(ctx); err != nil {
			return err
		}
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	return d.startServices(ctx)
}

// prepare creates databases, settings and the list of services.
func (d *deployment) prepare(ctx context.Context) (err error) {
	if d.ledgerURL, err = d.bench.Servers.NewDatabase(ctx, "ledger"); err != nil {
		return err
	}
	engineURL, err := d.bench.Servers.NewDatabase(ctx, "engine")
	if err != nil {
		return err
	}
	config := filepath.Join(d.dir, "aftercall.yaml")
	if err := d.simulators.writeConfig(config); err != nil {
		return err
	}
	ports, err := freeport.Find(3)
	if err != nil {
		return err
	}
	d.port = ports[0]
	d.environ = map[string]string{
		"AFTERCALL_CONFIG": config, "AFTERCALL_LISTEN": address(d.port), "LEDGER_URL": d.ledgerURL,
		"REDIS_URL": d.bench.Servers.RedisURL(), "TEMPORAL_ADDRESS": d.address, "BENCH_ENGINE_URL": engineURL,
		"BENCH_WEBHOOK_URL": d.simulators.webhooksURL + hookPath, "BENCH_WEBHOOK_SECRET": webhookSecret,
	}
	if name := d.contestant.program(); name != Aftercall {
		d.services = []service{{
			command: command{name: name, path: d.bench.Self, args: []string{"contestant", name}, environ: d.environ},
			ready:   httpURL(d.port) + "/readyz",
		}}
		return nil
	}
	for i, name := range []string{"worker", "starter"} {
		environ := map[string]string{"AFTERCALL_ADMIN_LISTEN": address(ports[1+i]), "AFTERCALL_DRAIN": "0s"}
		for k, v := range d.environ {
			environ[k] = v
		}
		d.services = append(d.services, service{
			command: command{name: name, path: filepath.Join(d.bench.Root, "bin", name), environ: environ},
			ready:   httpURL(ports[1+i]) + "/readyz",
		})
	}
	return nil
}

func (d *deployment) startServices(ctx context.Context) (err error) {
	for i := range d.services {
		s := &d.services[i]
		if s.process, err = start(s.command, d.dir); err != nil {
			return err
		}
		if err := await(ctx, s.process, ready(s.ready)); err != nil {
			return err
		}
	}
	return nil
}

// killServices kills all services with SIGKILL.
func (d *deployment) killServices() error {
	var errs []error
	for i := range d.services {
		errs = append(errs, d.services[i].process.kill())
		d.services[i].process = nil
	}
	return errors.Join(errs...)
}

// stop stops everything that was started, in reverse order.
func (d *deployment) stop() error {
	var errs []error
	for _, s := range slices.Backward(d.services) {
		if s.process != nil {
			errs = append(errs, s.process.kill())
		}
	}
	for _, p := range d.temporal {
		errs = append(errs, p.stop(syscall.SIGTERM))
	}
	if d.simulators != nil {
		errs = append(errs, d.simulators.stop())
	}
	return errors.Join(errs...)
}

// pids returns the process IDs of the service, and of the servers behind it.
func (d *deployment) pids() (services, servers []int) {
	for _, s := range d.services {
		if s.process != nil {
			services = append(services, s.process.cmd.Process.Pid)
		}
	}
	servers = append(d.temporalPids(), d.bench.Servers.redis.cmd.Process.Pid)
	return services, append(servers, usage.WithChildren(d.bench.Servers.postgres.cmd.Process.Pid)...)
}

func (d *deployment) temporalPids() []int {
	pids := make([]int, len(d.temporal))
	for i, p := range d.temporal {
		pids[i] = p.cmd.Process.Pid
	}
	return pids
}
