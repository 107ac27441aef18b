package ops

import (
	"errors"
	"fmt"

	"aftercall/internal/config"
)

// Kind says what an error means for the person or script that ran a command.
// Its number is the exit code.
type Kind int

// The kinds of errors.
const (
	// Failed: something that is needed does not work.
	Failed Kind = 1
	// Usage: the command line or the configuration is wrong. Nothing was done.
	Usage Kind = 2
	// Refused: what was examined is not in order, or the operation is refused.
	Refused Kind = 3
	// NotFound: the call, workflow, entry or ledger does not exist.
	NotFound Kind = 4
	// Incomplete: part of the answer is missing, because a system does not answer.
	Incomplete Kind = 5
)

// Error is why an operation failed, and what to do about it.
type Error struct {
	Kind Kind
	Err  error
	// Cure says what to do; empty if Err says it.
	Cure string
}

// Error returns the text of Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error whose text is made as by fmt.Errorf.
func Errorf(kind Kind, cure, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...), Cure: cure}
}

// isKind reports whether an error is of a kind.
func isKind(err error, kind Kind) bool {
	var detailed *Error
	return errors.As(err, &detailed) && detailed.Kind == kind
}

// usage marks configuration problems as errors of usage.
func usage(err error) error {
	if errors.As(err, new(*config.Error)) {
		return &Error{Kind: Usage, Err: err}
	}
	return err
}

// cureOf returns what to do about an error, empty if that is not known.
func cureOf(err error) string {
	var detailed *Error
	if errors.As(err, &detailed) {
		return detailed.Cure
	}
	return ""
}
