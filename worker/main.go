// Command worker runs the workflows and activities of ended calls.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"aftercall/internal/config"
	"aftercall/worker/service"
)

type cli struct {
	Run runCommand `cmd:"" default:"1" help:"Run workflows and activities (the default)."`
}

type runCommand struct{}

// Run works until a signal comes.
func (runCommand) Run(ctx context.Context) error {
	return service.Run(ctx, config.Environ(os.Environ()), os.Stderr)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	command := kong.Parse(&cli{}, kong.Name("worker"),
		kong.Description("Reads call records, charges calls and notifies. Settings come from the environment and from the file that AFTERCALL_CONFIG names: see docs/configuration.md."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}
