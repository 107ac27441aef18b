// Package cli is what the operator's commands of starter and worker have in
// common: how a command line is read, how results are printed for people and
// for scripts, and what the exit codes mean.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

// Process is the world in which a command runs.
type Process struct {
	// Environ are the environment variables.
	Environ map[string]string
	// Stdout takes the result, Stderr everything that is said on the way.
	Stdout, Stderr io.Writer
}

// Interactive reports whether a person watches Stderr, as for a progress bar.
func (p Process) Interactive() bool {
	file, ok := p.Stderr.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// Program is a command line: the grammar of its commands, as kong reads it
// from struct tags. Each command has a method Run, which may ask for a
// context.Context and a Process.
type Program struct {
	Name, Description string
	Commands          any
}

// Run runs the command that args name, and returns the exit code. What went
// wrong is on stderr.
func (p Program) Run(ctx context.Context, process Process, args []string) int {
	asked := false // for help, which has been printed
	parser, err := kong.New(
		p.Commands, kong.Name(p.Name), kong.Description(p.Description+"\n\n"+exitCodes),
		kong.Writers(process.Stdout, process.Stderr), kong.Exit(func(int) { asked = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(process),
	)
	if err != nil {
		return p.fail(process.Stderr, err)
	}
	command, err := parser.Parse(args)
	switch {
	case asked:
		return OK
	case err != nil:
		return p.fail(process.Stderr, &Error{Code: Usage, Err: err, Cure: p.helpFor(err)})
	}
	if err := command.Run(); err != nil {
		return p.fail(process.Stderr, err)
	}
	return OK
}

// helpFor names the help of the command that was meant.
func (p Program) helpFor(err error) string {
	command := p.Name
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		command = parse.Context.Selected().FullPath()
	}
	return "see " + command + " --help"
}

func (p Program) fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s: %s\n", p.Name, printable(err.Error()))
	var detailed *Error
	if errors.As(err, &detailed) && detailed.Cure != "" {
		fmt.Fprintf(stderr, "  → %s\n", detailed.Cure)
	}
	return exitCode(err)
}
