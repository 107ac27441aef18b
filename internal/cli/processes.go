package cli

import (
	"context"
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
