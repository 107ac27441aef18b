// Package operator is the command line of the worker: the service itself, and
// the commands with which a person reads and corrects the ledger and decides
// about calls in review.
package operator

import (
	"context"

	cli "aftercall/internal/oldcli"
	"aftercall/worker/service"
)

// commands are those of the worker.
type commands struct {
	Run    runCommand     `cmd:"" default:"1" help:"Run workflows and activities (the default)."`
	Ledger ledgerCommands `cmd:"" help:"Explain, list, add up, export, correct and verify charges."`
	Review reviewCommands `cmd:"" help:"Calls that wait for a person's decision."`
}

type ledgerCommands struct {
	Show    showCommand    `cmd:"" help:"Explain what a call was charged, step by step."`
	List    listCommand    `cmd:"" help:"List entries."`
	Report  reportCommand  `cmd:"" help:"Add up entries by day, app, tariff, payer or result."`
	Export  exportCommand  `cmd:"" help:"Write entries as CSV, for accounting."`
	Reverse reverseCommand `cmd:"" help:"Take a charge back."`
	Rerate  rerateCommand  `cmd:"" help:"Compare what calls were charged with what the tariff charges now, and correct them."`
	Verify  verifyCommand  `cmd:"" help:"Compute every entry again, and compare the ledger with Tencent's records."`
}

type reviewCommands struct {
	List   reviewListCommand   `cmd:"" help:"List the calls that wait for a decision, and why."`
	Decide reviewDecideCommand `cmd:"" help:"Decide about a call."`
}

// Run runs the command that args name, and returns the exit code.
func Run(ctx context.Context, p cli.Process, args []string) int {
	return cli.Program{
		Name: "worker",
		Description: "Reads call records, charges calls and notifies; explains and corrects what was charged. " +
			"Settings come from the environment and from the file that AFTERCALL_CONFIG names: see docs/configuration.md.",
		Commands: &commands{},
	}.Run(ctx, p, args)
}

type runCommand struct{}

// Run works until a signal comes.
func (runCommand) Run(ctx context.Context, p cli.Process) error {
	return service.Run(ctx, p.Environ, p.Stderr)
}
