package cli

import (
	"context"
	"maps"
	"strings"

	"aftercall/internal/config"
	"aftercall/internal/ops"
)

type starterCommand struct{}

// Run receives callbacks until a signal comes.
func (starterCommand) Run(ctx context.Context, p Process) error {
	return p.Starter(ctx, p.Environ, p.Stderr)
}

type workerCommand struct {
	AcceptEditedTariff []string `help:"Start although this tariff was edited under calls that were charged; as AFTERCALL_ACCEPT_EDITED_TARIFF." placeholder:"TARIFF"`
}

// Run runs workflows and activities until a signal comes.
func (c workerCommand) Run(ctx context.Context, p Process) error {
	environ := p.Environ
	if len(c.AcceptEditedTariff) > 0 {
		environ = maps.Clone(environ)
		environ[config.AcceptEditedVariable] = strings.Join(append(c.AcceptEditedTariff, environ[config.AcceptEditedVariable]), ",")
	}
	return p.Worker(ctx, environ, p.Stderr)
}

// RunStarter runs the starter's process and returns its exit code. It takes no
// arguments: the commands are those of aftercall.
func RunStarter(ctx context.Context, p Process, args []string) int {
	return runProcess(p, "starter", args, func() error { return starterCommand{}.Run(ctx, p) })
}

// RunWorker runs the worker's process and returns its exit code. It takes the flags of
// aftercall worker, and no other arguments: the commands are those of aftercall.
func RunWorker(ctx context.Context, p Process, args []string) int {
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		return Run(ctx, p, append([]string{"worker"}, args...))
	}
	return runProcess(p, "worker", args, func() error { return workerCommand{}.Run(ctx, p) })
}

func runProcess(p Process, name string, args []string, run func() error) int {
	process := program{name: name}
	if len(args) > 0 {
		return process.fail(p.Stderr, ops.Errorf(ops.Usage, "see aftercall --help", "takes no arguments; its commands are now those of aftercall, as in: aftercall %s", strings.Join(args, " ")))
	}
	if err := run(); err != nil {
		return process.fail(p.Stderr, err)
	}
	return OK
}
