package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/harness"
	"aftercall/dev/bench/report"
	"aftercall/dev/docsection"
)

type stagesCommand struct {
	setting
	Rate     int           `help:"Calls per second." default:"50"`
	Copies   int           `help:"How many times each callback is posted." default:"3"`
	Duration time.Duration `help:"Duration of the load." default:"60s"`
	Publish  bool          `help:"Write the table into docs/benchmarks.md."`
}

// Run measures and prints.
func (c stagesCommand) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, out, func(b *harness.Bench) error {
		stages, err := b.Stages(ctx, harness.Load{
			Name: harness.Steady, Calls: int(c.Duration.Seconds() * float64(c.Rate)), Rate: c.Rate, Copies: c.Copies,
		})
		if err != nil {
			return err
		}
		t := stagesTable(stages)
		text := fmt.Sprintf("%d calls, %d a second, each callback posted %d times", len(stages.Calls), c.Rate, c.Copies)
		if stages.Others > 0 {
			text += fmt.Sprintf("; %d more needed more than one workflow task", stages.Others)
		}
		fmt.Fprintf(out, "%s\n%s\n", text, t.Render())
		if c.Publish {
			return report.Update(b.Root, docsection.Section{Name: "stages", Text: text + ":\n\n" + t.RenderMarkdown()})
		}
		return nil
	})
}

func stagesTable(stages harness.Stages) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0 // as written
	header := table.Row{"stage", "p50 ms", "p99", "max", "mean of the slowest 1 %"}
	for _, bound := range harness.Buckets {
		header = append(header, fmt.Sprintf("≤ %d", bound.Milliseconds()))
	}
	t.AppendHeader(append(header, "more"))
	for i, name := range harness.StageNames {
		p, histogram, slowest := stages.Summary(i)
		row := table.Row{name}
		for _, d := range []time.Duration{p.P50, p.P99, p.Max, slowest} {
			row = append(row, fmt.Sprintf("%.1f", d.Seconds()*1000))
		}
		for _, n := range histogram {
			row = append(row, n)
		}
		t.AppendRow(row)
	}
	return t
}
