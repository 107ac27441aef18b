// Command worker runs the workflows and activities of ended calls.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"aftercall/internal/cli"
	"aftercall/internal/config"
	"aftercall/worker/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	process := cli.Process{Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr, Worker: service.Run}
	code := cli.RunWorker(ctx, process, os.Args[1:])
	stop()
	os.Exit(code)
}
