package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong, where it is, and the remedy.
type Problem struct {
	// File, Line and Column point into the YAML file; Line is 0 when the problem
	// is the file as a whole, File is empty when it is an environment variable.
	File         string
	Line, Column int
	// Key is the path of the key, as in apps[0].callback.secret, or the name of
	// the environment variable.
	Key string
	// Message is the problem and its remedy.
	Message string
}

// String is file:line:column: key: message, leaving out what is not known.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error is every problem of a configuration: those of the environment first,
// then those of the file from top to bottom.
type Error struct {
	Problems []Problem
}

// Error prints one problem per line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ExitCode is the exit code of a command that does not run for this error.
func (e *Error) ExitCode() int { return 2 }

// oneLine keeps a problem on one line of a terminal, whatever the file holds.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return ' '
		}
		return r
	}, s)
}

// asError returns the problems in the order of reading, or nil when there are none.
func asError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: problems}
}
