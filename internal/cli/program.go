// Package cli is the command line of aftercall: its commands with their flags,
// how results are printed for people and for scripts, and what the exit codes
// mean. What the commands do is in package ops.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"aftercall/internal/ops"
)

// commands are those of aftercall, in the order of its help.
type commands struct {
	Call     callCommand     `cmd:"" help:"Show where a call is: record, charge, deliveries, what it waits for." group:"Calls"`
	Waiting  waitingCommands `cmd:"" help:"List the calls that wait, and for what; retry them now." group:"Calls"`
	Review   reviewCommands  `cmd:"" help:"List calls that wait for a person's decision, and decide." group:"Calls"`
	Start    startCommand    `cmd:"" help:"Start a call whose callback was lost." group:"Calls"`
	Backfill backfillCommand `cmd:"" help:"Start all calls of a time range that were not handled." group:"Calls"`
	Resend   resendCommand   `cmd:"" help:"Send the events of a call again, or all that were not delivered." group:"Calls"`

	Ledger ledgerCommands `cmd:"" help:"Explain, list, add up, export, correct and verify charges." group:"Charges"`

	Evidence evidenceCommands `cmd:"" help:"List the events that say who was in a call." group:"Charges"`
	Audit    auditCommand     `cmd:"" help:"Find calls without a record: rooms that were in use, but that no call explains." group:"Charges"`

	Check        checkCommand        `cmd:"" help:"Check everything that calls depend on, with the cure for what is wrong." group:"Operation"`
	Callback     callbackCommands    `cmd:"" help:"Show, set or delete where Tencent posts callbacks." group:"Operation"`
	Target       targetCommands      `cmd:"" help:"Test targets." group:"Operation"`
	Sweep        sweepCommands       `cmd:"" help:"Show the sweeps, which find calls whose callback was lost, and dismiss what they hold back." group:"Operation"`
	WebuiColumns webUIColumnsCommand `cmd:"" help:"Print what gives Temporal's Web UI the columns of calls." group:"Operation"`

	Starter starterCommand `cmd:"" help:"Run the process that receives callbacks and starts workflows." group:"Processes"`
	Worker  workerCommand  `cmd:"" help:"Run the process that runs workflows and activities." group:"Processes"`
	Health  healthCommand  `cmd:"" help:"Ask a starter or a worker of this machine whether it is ready." group:"Processes"`

	Version    versionCommand    `cmd:"" help:"Print the version." group:"This program"`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands in a shell." group:"This program"`
}

// Run runs the command that args name, and returns the exit code. What went
// wrong is on stderr.
func Run(ctx context.Context, process Process, args []string) int {
	return aftercall().run(ctx, process, args)
}

// Model describes all commands, for the man page.
func Model() (*kong.Application, error) {
	parser, err := aftercall().parser()
	if err != nil {
		return nil, err
	}
	return parser.Model, nil
}

func aftercall() program {
	return program{
		name: "aftercall",
		description: "Charges ended calls of Tencent RTC and notifies the systems that need to know. " +
			"Settings come from the environment and from the file that AFTERCALL_CONFIG names: see docs/configuration.md.",
		commands: &commands{},
	}
}

// program is a command line: the grammar of its commands, as kong reads it
// from struct tags. Each command has a method Run, which may ask for a
// context.Context, a Process and *ops.Deps.
type program struct {
	name, description string
	commands          any
}

func (p program) run(ctx context.Context, process Process, args []string) int {
	deps := ops.New(ctx, process.Environ, process.Stderr)
	// The result is printed by then; it does not depend on how connections end.
	defer func() { _ = deps.Close() }()
	asked := false // for help, which has been printed
	parser, err := p.parser(
		kong.Writers(process.Stdout, process.Stderr), kong.Exit(func(int) { asked = true }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(process, deps),
	)
	if err != nil {
		return p.fail(process.Stderr, err)
	}
	if process.Environ["COMP_LINE"] != "" { // a shell asks for completions
		kongplete.Complete(parser)
		return OK
	}
	command, err := parser.Parse(args)
	switch {
	case asked:
		return OK
	case err != nil:
		return p.fail(process.Stderr, &ops.Error{Kind: ops.Usage, Err: err, Cure: p.helpFor(err)})
	}
	if err := command.Run(); err != nil {
		return p.fail(process.Stderr, err)
	}
	return OK
}

func (p program) parser(options ...kong.Option) (*kong.Kong, error) {
	return kong.New(p.commands, append([]kong.Option{
		kong.Name(p.name), kong.Description(p.description + "\n\n" + exitCodes),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	}, options...)...)
}

// helpFor names the help of the command that was meant.
func (p program) helpFor(err error) string {
	command := p.name
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		command = parse.Context.Selected().FullPath()
	}
	return "see " + command + " --help"
}

func (p program) fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s: %s\n", p.name, printable(err.Error()))
	var detailed *ops.Error
	if errors.As(err, &detailed) && detailed.Cure != "" {
		fmt.Fprintf(stderr, "  → %s\n", printable(detailed.Cure))
	}
	return exitCode(err)
}
