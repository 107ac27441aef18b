// Command aftercall is everything that a person types: it looks calls up, sends
// events again, decides reviews, explains and corrects charges, and checks what
// calls depend on. It can run the starter and the worker, too, and does nothing else
// where it is called like one of them.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"aftercall/internal/cli"
	"aftercall/internal/config"
	starter "aftercall/starter/service"
	worker "aftercall/worker/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	run := cli.Run
	switch filepath.Base(os.Args[0]) { // the image has links of these names
	case "starter":
		run = cli.RunStarter
	case "worker":
		run = cli.RunWorker
	}
	code := run(ctx, cli.Process{
		Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr,
		Starter: starter.Run, Worker: worker.Run,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}
