package cli

import (
	"context"
	"strings"

	"aftercall/internal/ops"
)

type starterCommand struct{}

// Run receives callbacks until a signal comes.
func (starterCommand) Run(ctx context.Context, p Process) error {
	return p.Starter(ctx, p.Environ, p.Stderr)
}

type workerCommand struct{}

// Run runs workflows and activities until a signal comes.
func (workerCommand) Run(ctx context.Context, p Process) error {
	return p.Worker(ctx, p.Environ, p.Stderr)
}

// RunStarter runs the starter's process and returns its exit code. It takes no
// arguments: the commands are those of aftercall.
func RunStarter(ctx context.Context, p Process, args []string) int {
	return runProcess(p, "starter", args, func() error { return starterCommand{}.Run(ctx, p) })
}

// RunWorker runs the worker's process and returns its exit code. It takes no
// arguments: the commands are those of aftercall.
func RunWorker(ctx context.Context, p Process, args []string) int {
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
