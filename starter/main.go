// Command starter receives Tencent's callbacks and starts a workflow for every ended
// call.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"aftercall/internal/cli"
	"aftercall/internal/config"
	"aftercall/starter/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	process := cli.Process{Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr, Starter: service.Run}
	code := cli.RunStarter(ctx, process, os.Args[1:])
	stop()
	os.Exit(code)
}
