// Command starter receives Tencent's callbacks and starts a workflow for every
// ended call. Its other commands are for the operator.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/starter/operator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	process := cli.Process{Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr}
	code := operator.Run(ctx, process, os.Args[1:])
	stop()
	os.Exit(code)
}
