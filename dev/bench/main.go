// Command bench compares aftercall with other ways to do the same job: `make bench`.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"aftercall/dev/bench/contestant"
	"aftercall/internal/config"
)

type cli struct {
	Compare    compareCommand    `cmd:"" default:"withargs" help:"Run all contestants and print the tables (the default)."`
	Targets    targetsCommand    `cmd:"" help:"Measure aftercall against its targets: burn-down, latencies, acknowledgements, duplicates, memory, growth of the cost."`
	Stages     stagesCommand     `cmd:"" help:"Measure how long each stage of aftercall's calls takes under a steady load, by their histories."`
	Costs      costsCommand      `cmd:"" help:"Measure what one call costs: events, bytes, requests and CPU of each part, on the development stack or the cluster."`
	Scaling    scalingCommand    `cmd:"" help:"Compute what a deployment needs for so many calls a second, from what one call costs."`
	Dashboard  dashboardCommand  `cmd:"" help:"Draw the dashboard of docs/grafana for the docs, filled by a real Prometheus; needs Prometheus."`
	Contestant contestantCommand `cmd:"" hidden:"" help:"Run a contestant."`
}

type contestantCommand struct {
	Name string `arg:""`
}

// Run runs the contestant until it receives a signal.
func (c contestantCommand) Run(ctx context.Context) error {
	if c.Name == "baseline" {
		return contestant.RunBaseline(ctx, config.Environ(os.Environ()))
	}
	return contestant.Run(ctx, c.Name, config.Environ(os.Environ()), os.Stderr)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	command := kong.Parse(c, kong.Name("bench"), kong.Description("Compares aftercall with other ways to do the same job, on this machine."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	command.FatalIfErrorf(command.Run())
}
