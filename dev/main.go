// Command dev runs the local stack: `make dev`, `make demo`, `make call`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"aftercall/dev/local"
)

type cli struct {
	Root string `help:"The project's folder." default:"." type:"existingdir"`

	Up        upCommand        `cmd:"" help:"Run the stack with sample calls until Ctrl-C."`
	Demo      demoCommand      `cmd:"" help:"Run the sample calls unattended and verify every outcome."`
	Call      callCommand      `cmd:"" help:"Simulate a call on the running stack and follow its workflow."`
	Temporal  temporalCommand  `cmd:"" help:"Find the program of the Temporal server, or build it."`
	Histories historiesCommand `cmd:"" help:"Record the golden histories of the workflow tests again."`
	Trace     traceCommand     `cmd:"" help:"Record the trace of one call for docs/traces.md."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	command := kong.Parse(c, kong.Name("dev"), kong.Description("The aftercall stack on this machine, with Tencent simulated."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	root, err := filepath.Abs(c.Root)
	command.FatalIfErrorf(err)
	command.FatalIfErrorf(command.Run(project{root: root, out: os.Stdout}))
}

// project is the folder that the commands work in, and their output.
type project struct {
	root string
	out  io.Writer
}

// stateDir is where the stack of a topology keeps its state. Each has its own,
// because a Redis and a ledger belong together; a user's own configuration, too.
func (p project) stateDir(t local.Topology, ownConfig bool) string {
	dir := filepath.Join(p.root, "dev", ".state")
	if ownConfig {
		dir = filepath.Join(dir, "own")
	}
	if t.Name == local.Dev.Name {
		return dir
	}
	return filepath.Join(dir, t.Name)
}

// runningDir is the state folder of the stack that runs, or else of `make dev`.
func (p project) runningDir() string {
	for _, t := range []local.Topology{local.Dev, local.Cluster} {
		for _, own := range []bool{true, false} {
			if dir := p.stateDir(t, own); local.IsRunning(dir) {
				return dir
			}
		}
	}
	return p.stateDir(local.Dev, false)
}

// topology is the flag of the commands that start a stack.
type topology struct {
	Topology string `help:"dev: one of each, with Temporal's development server. cluster: two of each behind a proxy, with two nodes of Temporal on PostgreSQL." enum:"dev,cluster" default:"dev"`
}

func (t topology) value() local.Topology {
	if t.Topology == local.Cluster.Name {
		return local.Cluster
	}
	return local.Dev
}

// options returns the options of a stack of real processes.
func (p project) options(ctx context.Context, t local.Topology) (local.Options, error) {
	temporal, err := t.EnsureTemporal(ctx, p.root, p.out)
	if err != nil {
		return local.Options{}, err
	}
	return local.Options{
		Root: p.root, Dir: p.stateDir(t, false), Topology: t, Ports: local.DefaultPorts(t), Temporal: temporal,
		Starter: local.Service{Program: filepath.Join(p.root, "bin", "starter")},
		Worker:  local.Service{Program: filepath.Join(p.root, "bin", "worker")},
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, nil
}

// isolated returns the options of a stack that can run next to others: free ports
// and a temporary folder, which remove deletes.
func (p project) isolated(ctx context.Context, t local.Topology) (o local.Options, remove func() error, err error) {
	if o, err = p.options(ctx, t); err != nil {
		return o, nil, err
	}
	if o.Ports, err = local.FreePorts(t); err != nil {
		return o, nil, err
	}
	if o.Dir, err = os.MkdirTemp("", "aftercall-demo-"); err != nil {
		return o, nil, err
	}
	o.Isolated, o.AnswerTimeout = true, local.LenientAnswerTimeout
	return o, func() error { return os.RemoveAll(o.Dir) }, nil
}

// with starts a stack, calls do, and stops the stack.
func with(ctx context.Context, o local.Options, do func(*local.Stack) error) error {
	stack, err := local.Start(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(stack), stack.Stop(context.WithoutCancel(ctx)))
}

type temporalCommand struct{ topology }

// Run prints the path of the Temporal server's program.
func (c temporalCommand) Run(ctx context.Context, p project) error {
	bin, err := c.value().EnsureTemporal(ctx, p.root, p.out)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, "temporal:", bin)
	return nil
}
