// Command starter receives Tencent's callbacks and starts a workflow for every
// ended call.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"aftercall/internal/config"
	"aftercall/starter/service"
)

type cli struct {
	Serve serveCommand `cmd:"" default:"1" help:"Receive callbacks and start workflows (the default)."`
}

type serveCommand struct{}

// Run serves until a signal comes.
func (serveCommand) Run(ctx context.Context) error {
	return service.Run(ctx, config.Environ(os.Environ()), os.Stderr)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	command := kong.Parse(&cli{}, kong.Name("starter"),
		kong.Description("Receives the callbacks of Tencent RTC Call. Settings come from the environment and from the file that AFTERCALL_CONFIG names: see docs/configuration.md."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}
