package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/bench/harness"
)

// column is a figure in a table.
type column struct {
	title string
	cell  func(Set) string
}

func median(title string, value func(harness.Result) float64) column {
	return column{title, func(s Set) string { return s.figure(value).String() }}
}

func count(title string, value func(harness.Result) int) column {
	return column{title, func(s Set) string {
		return s.figure(func(r harness.Result) float64 { return float64(value(r)) }).count()
	}}
}

var (
	calls      = column{"calls", func(s Set) string { return strconv.Itoa(s[0].Load.Calls) }}
	perSecond  = median("calls/s", func(r harness.Result) float64 { return r.PerSecond })
	cpu        = median("CPU ms/call", func(r harness.Result) float64 { return ms(r.ServiceCPU + r.ServerCPU) })
	ownCPU     = median("of which service", func(r harness.Result) float64 { return ms(r.ServiceCPU) })
	ackP50     = median("ack p50 ms", func(r harness.Result) float64 { return ms(r.Ack.P50) })
	ackP99     = median("p99", func(r harness.Result) float64 { return ms(r.Ack.P99) })
	ackMax     = median("max", func(r harness.Result) float64 { return ms(r.Ack.Max) })
	delayP50   = median("webhook delay p50 ms", func(r harness.Result) float64 { return ms(r.WebhookDelay.P50) })
	delayP99   = median("p99 ", func(r harness.Result) float64 { return ms(r.WebhookDelay.P99) })
	ownMemory  = median("service MiB", func(r harness.Result) float64 { return mib(r.ServiceMemory) })
	memory     = median("servers MiB", func(r harness.Result) float64 { return mib(r.ServerMemory) })
	took       = median("duration s", func(r harness.Result) float64 { return r.Elapsed.Seconds() })
	refused    = count("refused", func(r harness.Result) int { return r.Refused })
	lost       = count("lost", func(r harness.Result) int { return r.Verification.Lost() })
	missing    = count("missing after 30 s without a webhook", func(r harness.Result) int { return r.Verification.Lost() })
	duplicated = count("charged or notified twice", func(r harness.Result) int { return r.Verification.Duplicated() })
	repeated   = count("repeated messages", func(r harness.Result) int { return r.Verification.Repeated })
)

// section is the table of one load.
type section struct {
	load    string
	title   func(harness.Load) string
	columns []column
}

func titled(text string) func(harness.Load) string { return func(harness.Load) string { return text } }

func steadyTitle(l harness.Load) string {
	return fmt.Sprintf("Steady: %d calls a second, each callback posted %d times", l.Rate, l.Copies)
}

var sections = []section{
	{harness.BurnDown, titled("Burn-down: as fast as the contestant acknowledges"), []column{calls, perSecond, cpu, ownCPU, ackP50, ackP99, ownMemory, memory, lost, duplicated}},
	{harness.Steady, steadyTitle, []column{ackP50, ackP99, ackMax, delayP50, delayP99, cpu, ownCPU, refused, lost, duplicated, repeated}},
	{harness.Killed, titled("Killed halfway: `kill -9` of the service when half of the webhooks have arrived, restart after a second"), []column{calls, missing, duplicated, repeated, took}},
}

// Write prints the tables, as Markdown or for a terminal.
func (s Set) Write(out io.Writer, markdown bool) {
	for _, section := range sections {
		t := table.NewWriter()
		t.SetStyle(table.StyleLight)
		t.Style().Format.Header = 0 // as written
		header := table.Row{""}
		for _, c := range section.columns {
			header = append(header, c.title)
		}
		t.AppendHeader(header)
		title := ""
		for _, c := range harness.Contestants {
			results := s.of(c.Name, section.load)
			if len(results) == 0 {
				continue
			}
			title = section.title(results[0].Load)
			row := table.Row{c.Title}
			for _, column := range section.columns {
				row = append(row, column.cell(results))
			}
			t.AppendRow(row)
		}
		if t.Length() == 0 {
			continue
		}
		if markdown {
			fmt.Fprintf(out, "### %s\n\n%s\n\n", title, t.RenderMarkdown())
		} else {
			fmt.Fprintf(out, "\n%s\n%s\n", title, t.Render())
		}
	}
	if ratio := s.Ratio(); ratio != "" {
		fmt.Fprintf(out, "\n%s\n", ratio)
	}
}

// Ratio compares the calls per second of aftercall with those of the Temporal
// timer form, run by run; it is empty unless both ran.
func (s Set) Ratio() string {
	ours, timer := s.of(harness.Aftercall, harness.BurnDown), s.of(harness.TemporalTimer, harness.BurnDown)
	n := min(len(ours), len(timer))
	if n == 0 {
		return ""
	}
	ratios := make([]float64, n)
	for i := range ratios {
		ratios[i] = ours[i].PerSecond / timer[i].PerSecond
	}
	return fmt.Sprintf("Within a run, aftercall processes %s times as many calls per second as the timer form.", figureOf(ratios))
}
