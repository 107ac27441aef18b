package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/costs"
	"aftercall/dev/bench/scaling"
	"aftercall/dev/local"
)

type scalingCommand struct {
	Root         string        `help:"The project's folder." default:"." type:"existingdir"`
	Rates        []int64       `help:"Calls per second, on average; left out, those of docs/scaling.md."`
	Peak         int64         `help:"How many times the average rate the busiest hour has." default:"3"`
	Price        int64         `help:"USD for a million actions of Temporal Cloud." default:"50"`
	Retention    int64         `help:"Days for which Temporal keeps closed workflows." default:"10"`
	DedupeWindow time.Duration `help:"dedupe_window of the configuration." default:"24h"`
	SweepEvery   time.Duration `help:"sweep.every of the apps." default:"5m"`
	SweepOverlap time.Duration `help:"sweep.overlap of the apps." default:"6h"`
	Publish      bool          `help:"Write docs/scaling.md and its picture, with the default settings."`
}

// Run computes from the published measurements.
func (c scalingCommand) Run(out io.Writer) error {
	in := scaling.Defaults
	if c.Publish {
		p, err := scaling.ReadPlan(c.Root, in)
		if err != nil {
			return err
		}
		return p.Publish(c.Root)
	}
	in.Peak, in.ActionPrice, in.Retention, in.DedupeWindow, in.SweepEvery, in.SweepOverlap = c.Peak, c.Price, c.Retention, c.DedupeWindow, c.SweepEvery, c.SweepOverlap
	rates := c.Rates
	if len(rates) == 0 {
		rates = scaling.Rates
	}
	if err := in.Validate(rates); err != nil {
		return err
	}
	p, err := scaling.ReadPlan(c.Root, in)
	if err != nil {
		return err
	}
	m, err := p.Find(local.Cluster.Name, costs.Shipped)
	if err != nil {
		return err
	}
	for _, t := range []table.Writer{in.Table(), in.Sizes(m, rates), in.Clouds(m, rates), in.Apps(m, rates)} {
		fmt.Fprintln(out, t.Render())
	}
	return nil
}
