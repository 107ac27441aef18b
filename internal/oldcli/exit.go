package cli

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
)

// The exit codes of every command.
const (
	OK = 0
	// Failed: something that is needed does not work.
	Failed = 1
	// Usage: the command line or the configuration is wrong. Nothing was done.
	Usage = 2
	// Refused: what was looked at is not as it should be, or the command
	// refuses to go on. Nothing was done.
	Refused = 3
	// NotFound: there is no such thing.
	NotFound = 4
	// Incomplete: the answer lacks something, because a part could not be asked.
	Incomplete = 5
)

const exitCodes = `Exit codes:

  0  done, or all is well
  1  it did not work; the message says why, and what to do
  2  the command line or the configuration is wrong; nothing was done
  3  what was looked at is not as it should be, or the command refuses; nothing was done
  4  there is no such thing
  5  the answer is incomplete, because a part of the system does not answer`

// Error is why a command failed, and what to do about it.
type Error struct {
	// Code is the exit code.
	Code int
	Err  error
	// Cure says what to do; empty if Err says it.
	Cure string
}

// Error is Err's.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// ExitCode is Code.
func (e *Error) ExitCode() int { return e.Code }

// Errorf returns an Error whose text is made as by fmt.Errorf.
func Errorf(code int, cure, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...), Cure: cure}
}

// exitCode is that of the error, or else Failed.
func exitCode(err error) int {
	var coder kong.ExitCoder
	if errors.As(err, &coder) {
		return coder.ExitCode()
	}
	return Failed
}
