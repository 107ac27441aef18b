// Command aftercall is everything that a person types: it looks calls up, sends
// events again, decides reviews, explains and corrects charges, and checks what
// calls depend on. It can run the starter and the worker, too.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"aftercall/internal/cli"
	"aftercall/internal/config"
	starter "aftercall/starter/service"
	worker "aftercall/worker/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Process{
		Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr,
		Starter: starter.Run, Worker: worker.Run,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}
