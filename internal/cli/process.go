package cli

import (
	"context"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Process is what a command sees of the process that it runs in.
type Process struct {
	// Environ are the environment variables.
	Environ map[string]string
	// Stdout takes the result, Stderr notes, progress and errors.
	Stdout, Stderr io.Writer
	// Starter and Worker run the two long-running processes until ctx ends.
	Starter, Worker func(ctx context.Context, environ map[string]string, stderr io.Writer) error
}

// Interactive reports whether a person watches Stderr, as for a progress bar.
func (p Process) Interactive() bool { return isTerminal(p.Stderr) }

// colour reports whether w shows colours: a terminal, unless NO_COLOR is set (no-color.org).
func (p Process) colour(w io.Writer) bool {
	return p.Environ["NO_COLOR"] == "" && p.Environ["TERM"] != "dumb" && isTerminal(w)
}

// defaultWidth is the width of tables where no terminal says how wide it is, in characters.
const defaultWidth = 80

// width is how wide tables may be, in characters. known reports whether a person
// sees them at that width: on a terminal, or where COLUMNS is set, as by watch.
// Elsewhere, in a pipe or a file, it is only a default.
func (p Process) width() (characters int, known bool) {
	if file, ok := p.Stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width, true
		}
	}
	if width, err := strconv.Atoi(p.Environ["COLUMNS"]); err == nil && width > 0 {
		return width, true
	}
	return defaultWidth, false
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
