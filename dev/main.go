// Command dev runs the stack on this machine: `make dev`, `make demo`, `make call`.
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
	Demo      demoCommand      `cmd:"" help:"Run the sample calls unattended and verify what became of them."`
	Call      callCommand      `cmd:"" help:"Place one call against the running stack and follow it to its end."`
	Temporal  temporalCommand  `cmd:"" help:"Find the temporal CLI, or build it."`
	Histories historiesCommand `cmd:"" help:"Record the golden histories of the workflow tests anew."`
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

// project is where the commands work and print.
type project struct {
	root string
	out  io.Writer
}

func (p project) stateDir() string { return filepath.Join(p.root, "dev", ".state") }

// options are those of a stack of real processes.
func (p project) options(ctx context.Context) (local.Options, error) {
	temporal, err := local.EnsureTemporal(ctx, p.root, p.out)
	if err != nil {
		return local.Options{}, err
	}
	return local.Options{
		Root: p.root, Dir: p.stateDir(), Ports: local.DefaultPorts, Temporal: temporal,
		Starter: local.Binary(filepath.Join(p.root, "bin", "starter")),
		Worker:  local.Binary(filepath.Join(p.root, "bin", "worker")),
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, nil
}

// isolated are options for a stack that meets no other one: free ports and a
// folder that is removed at the end.
func (p project) isolated(ctx context.Context) (o local.Options, remove func() error, err error) {
	if o, err = p.options(ctx); err != nil {
		return o, nil, err
	}
	if o.Ports, err = local.FreePorts(); err != nil {
		return o, nil, err
	}
	if o.Dir, err = os.MkdirTemp("", "aftercall-demo-"); err != nil {
		return o, nil, err
	}
	o.Isolated = true
	return o, func() error { return os.RemoveAll(o.Dir) }, nil
}

// with runs a stack around do, and stops it whatever happens.
func with(ctx context.Context, o local.Options, do func(*local.Stack) error) error {
	stack, err := local.Start(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(stack), stack.Stop(context.WithoutCancel(ctx)))
}

type temporalCommand struct{}

// Run prints where the CLI is.
func (temporalCommand) Run(ctx context.Context, p project) error {
	bin, err := local.EnsureTemporal(ctx, p.root, p.out)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, "temporal:", bin)
	return nil
}
