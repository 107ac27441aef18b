package local

import (
	"context"
	"io"

	"aftercall/internal/cli"
	"aftercall/starter/operator"
)

// Starter runs a command of the starter against the stack, with what it prints
// in out, and returns its exit code.
func (s *Stack) Starter(ctx context.Context, out io.Writer, args ...string) int {
	return operator.Run(ctx, cli.Process{Environ: s.Environ(), Stdout: out, Stderr: out}, args)
}
