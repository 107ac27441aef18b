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
	Temporal  temporalCommand  `cmd:"" help:"Find the temporal CLI, or build it."`
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

func (p project) stateDir() string { return filepath.Join(p.root, "dev", ".state") }

// options returns the options of a stack of real processes.
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

// isolated returns the options of a stack that can run next to others: free ports
// and a temporary folder, which remove deletes.
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

// with starts a stack, calls do, and stops the stack.
func with(ctx context.Context, o local.Options, do func(*local.Stack) error) error {
	stack, err := local.Start(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(stack), stack.Stop(context.WithoutCancel(ctx)))
}

type temporalCommand struct{}

// Run prints the path of the CLI.
func (temporalCommand) Run(ctx context.Context, p project) error {
	bin, err := local.EnsureTemporal(ctx, p.root, p.out)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, "temporal:", bin)
	return nil
}
