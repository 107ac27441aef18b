// Package operator is the command line of the starter: the service itself, and
// the commands with which a person looks after calls that should have come in.
package operator

import (
	"context"

	cli "aftercall/internal/oldcli"
	"aftercall/starter/service"
)

// commands are those of the starter.
type commands struct {
	Serve serveCommand `cmd:"" default:"1" help:"Receive callbacks and start workflows (the default)."`

	Call     callCommand     `cmd:"" help:"Say where a call stands."`
	Start    startCommand    `cmd:"" help:"Start a call by hand."`
	Backfill backfillCommand `cmd:"" help:"Start what nobody has handled of a stretch of time."`
	Resend   resendCommand   `cmd:"" help:"Tell targets of a call again, or of all that was not delivered."`
	Check    checkCommand    `cmd:"" help:"Check everything that calls depend on, with the cure for what is wrong."`
	Callback callbackCommand `cmd:"" help:"Show, set or delete where Tencent posts callbacks."`
}

// Run runs the command that args name, and returns the exit code.
func Run(ctx context.Context, p cli.Process, args []string) int {
	return cli.Program{
		Name: "starter",
		Description: "Receives the callbacks of Tencent RTC Call, and helps when calls do not come in. " +
			"Settings come from the environment and from the file that AFTERCALL_CONFIG names: see docs/configuration.md.",
		Commands: &commands{},
	}.Run(ctx, p, args)
}

type serveCommand struct{}

// Run serves until a signal comes.
func (serveCommand) Run(ctx context.Context, p cli.Process) error {
	return service.Run(ctx, p.Environ, p.Stderr)
}
