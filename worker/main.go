// Command worker runs the workflows and activities of ended calls. Its other
// commands are for the ledger and for calls in review.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/worker/operator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	process := cli.Process{Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr}
	code := operator.Run(ctx, process, os.Args[1:])
	stop()
	os.Exit(code)
}
