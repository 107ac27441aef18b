package cli

import (
	"errors"

	"github.com/alecthomas/kong"

	"aftercall/internal/ops"
)

// The exit codes of every command. Each of an ops.Error is the number of its kind.
const (
	OK         = 0
	Failed     = int(ops.Failed)
	Usage      = int(ops.Usage)
	Refused    = int(ops.Refused)
	NotFound   = int(ops.NotFound)
	Incomplete = int(ops.Incomplete)
)

const exitCodes = `Exit codes:

  0  done, or everything is in order
  1  it did not work; the message says why and what to do
  2  the command line or the configuration is wrong; nothing was done
  3  what was examined is not in order, or the command refuses
  4  there is no such call, workflow, entry or ledger
  5  the answer is incomplete, because a part of the system does not answer`

// exitCode returns the exit code for an error.
func exitCode(err error) int {
	var classified *ops.Error
	if errors.As(err, &classified) {
		return int(classified.Kind)
	}
	var coder kong.ExitCoder
	if errors.As(err, &coder) {
		return coder.ExitCode()
	}
	return Failed
}
