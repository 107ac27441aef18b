package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/costs"
	"aftercall/dev/bench/harness"
	"aftercall/dev/bench/report"
	"aftercall/dev/docsection"
)

type targetsCommand struct {
	setting
	Burn      int  `help:"Calls of a burn-down, compared with the same on the stock server and with the Temporal timer form; 0 skips it." default:"2000"`
	Rate      int  `help:"Calls per second of a steady load, compared with DBOS; 0 skips it." default:"50"`
	Turns     int  `help:"How often the burn-downs and the steady load are measured." default:"5"`
	Starts    int  `help:"Calls for the comparison with a loop of workflow starts, measured nine times, and a hundred times as many duplicates; 0 skips both." default:"600"`
	Memory    int  `help:"Calls that Redis remembers, of which each should take little memory; 0 skips it." default:"100000"`
	Waiting   int  `help:"Calls that wait in a record outage; 0 skips it." default:"20000"`
	Thousands int  `help:"Thousands of calls over which the cost of a call must not grow; 0 skips it." default:"20"`
	Publish   bool `help:"Write the figures into docs/benchmarks.md."`
}

// Run measures and prints. A missed target is reported, but is not an error.
func (c targetsCommand) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, out, func(b *harness.Bench) error {
		b.Turns = c.Turns
		var all []harness.Target
		for _, part := range []struct {
			n       int
			measure func(context.Context, int) ([]harness.Target, error)
		}{
			{c.Burn, b.BurnDownTargets},
			{c.Rate, b.SteadyTargets},
			{c.Starts, b.AcknowledgementTargets},
			{c.Memory, redisMemoryTarget(b)},
			{c.Waiting, b.OutageTargets},
			{c.Thousands, b.GrowthTargets},
		} {
			if part.n == 0 {
				continue
			}
			targets, err := part.measure(ctx, part.n)
			for _, t := range targets {
				fmt.Fprintf(out, "%s: %s, target %s\n", t.Figure, t.Measured, t.Target)
			}
			if err != nil {
				return err
			}
			all = append(all, targets...)
		}
		t := targetsTable(all)
		fmt.Fprintf(out, "\n%s\n", t.Render())
		if c.Publish {
			return report.Update(b.Root, docsection.Section{Name: "targets", Text: t.RenderMarkdown()})
		}
		return nil
	})
}

// redisMemoryTarget measures what Redis needs to remember a call.
func redisMemoryTarget(b *harness.Bench) func(context.Context, int) ([]harness.Target, error) {
	return func(ctx context.Context, calls int) ([]harness.Target, error) {
		bytes, err := costs.RedisMemory(ctx, filepath.Join(b.Dir, "memory"), calls)
		if err != nil {
			return nil, err
		}
		const most = 120
		return []harness.Target{{
			Figure: fmt.Sprintf("memory of Redis for each of %d remembered calls", calls), Target: fmt.Sprintf("≤ %d bytes", most),
			Measured: fmt.Sprintf("%d bytes", bytes), Reached: bytes <= most,
		}}, nil
	}
}

func targetsTable(targets []harness.Target) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0 // as written
	t.AppendHeader(table.Row{"figure", "target", "measured", "reached"})
	for _, target := range targets {
		reached := "no"
		if target.Reached {
			reached = "yes"
		}
		t.AppendRow(table.Row{strings.TrimSpace(target.Figure), target.Target, target.Measured, reached})
	}
	return t
}
