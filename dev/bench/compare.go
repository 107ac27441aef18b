package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aftercall/dev/bench/harness"
	"aftercall/dev/bench/report"
	"aftercall/dev/docsection"
	"aftercall/dev/local"
)

// setting is what every command needs.
type setting struct {
	Root string `help:"The project's folder." default:"." type:"existingdir"`
	Apps int    `help:"Apps over which the calls are spread. Tencent takes 200 requests a second of each: 1 measures under that limit, 32 without it." default:"32"`
	Keep bool   `help:"Keep data and logs."`
}

// with runs servers around do.
func (s setting) with(ctx context.Context, out io.Writer, do func(*harness.Bench) error) (err error) {
	root, err := filepath.Abs(s.Root)
	if err != nil {
		return err
	}
	temporal, err := local.EnsureTemporal(ctx, root, out)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := newFolder()
	if err != nil {
		return err
	}
	servers, err := harness.StartServers(ctx, dir)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, servers.Stop())
		if s.Keep {
			fmt.Fprintln(out, "data and logs are in", dir)
		} else {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	return do(&harness.Bench{
		Root: root, Dir: dir, Self: self, Temporal: temporal, Servers: servers, Apps: s.Apps, Patience: patience,
	})
}

// newFolder makes a folder that is open to whom PostgreSQL runs as.
func newFolder() (string, error) {
	dir, err := os.MkdirTemp("", "aftercall-bench-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// patience is how long a missing message is waited for.
const patience = 30 * time.Second

type compareCommand struct {
	setting
	Only       []string      `help:"Contestants to run: ${enum}." enum:"ours,plain,dbos,river,asynq,setnx" placeholder:"NAME"`
	Runs       int           `help:"Runs of each contestant." default:"5"`
	Calls      int           `help:"Calls of a burn-down." default:"2000"`
	PlainCalls int           `help:"Calls of a burn-down for the plain form, which takes a multiple of the time." default:"1000"`
	Rate       int           `help:"Calls per second of a steady load." default:"50"`
	Deliveries int           `help:"Deliveries of each callback in a steady load." default:"3"`
	Steady     time.Duration `help:"How long a steady load lasts; 0 for none." default:"8s"`
	Kill       bool          `help:"Kill each service half-way, in a load of its own." default:"true" negatable:""`
	Publish    bool          `help:"Write the figures into docs/benchmarks.md, with CSV and picture."`
}

// Run runs everything, and fails when a contestant that must not lose a call does.
func (c compareCommand) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, out, func(b *harness.Bench) error {
		environment := report.Environment(ctx, b, c.Runs)
		fmt.Fprintln(out, environment)
		var results report.Set
		for run := range c.Runs {
			for _, contestant := range c.contestants() {
				played, err := b.Play(ctx, contestant, c.loads(contestant))
				results = append(results, played...)
				for _, r := range played {
					fmt.Fprintln(out, line(run+1, r))
				}
				if err != nil {
					return err
				}
			}
		}
		results.Write(out, false)
		if c.Publish {
			if err := results.Publish(b.Root, docsection.Section{Name: "environment", Text: environment}); err != nil {
				return err
			}
		}
		return verdict(results)
	})
}

func (c compareCommand) contestants() []harness.Contestant {
	if len(c.Only) == 0 {
		return harness.Contestants
	}
	var chosen []harness.Contestant
	for _, contestant := range harness.Contestants {
		if slices.Contains(c.Only, contestant.Name) {
			chosen = append(chosen, contestant)
		}
	}
	return chosen
}

// killedCalls are the calls of a burn-down in which the service is killed.
const killedCalls = 600

// loads are those of one run; the kill comes last.
func (c compareCommand) loads(contestant harness.Contestant) []harness.Load {
	burnDown := harness.Load{Name: harness.BurnDown, Calls: c.Calls, Deliveries: 1}
	if contestant.Name == harness.Plain {
		burnDown.Calls = min(c.PlainCalls, c.Calls)
	}
	loads := []harness.Load{burnDown}
	if steady := int(c.Steady.Seconds() * float64(c.Rate)); steady > 0 {
		loads = append(loads, harness.Load{Name: harness.Steady, Calls: steady, Rate: c.Rate, Deliveries: c.Deliveries})
	}
	if c.Kill {
		loads = append(loads, harness.Load{Name: harness.Killed, Calls: min(killedCalls, c.Calls), Deliveries: 1, Kill: true})
	}
	return loads
}

// line is a result as it comes in.
func line(run int, r harness.Result) string {
	text := fmt.Sprintf("run %d  %-6s %-9s %6.1f calls/s  CPU %4.1f ms/call  ack p99 %6.1f ms  late p50 %7.1f ms  p99 %7.1f ms",
		run, r.Contestant, r.Load.Name, r.PerSecond, (r.ServiceCPU+r.ServerCPU).Seconds()*1000,
		r.Ack.P99.Seconds()*1000, r.Late.P50.Seconds()*1000, r.Late.P99.Seconds()*1000)
	if !r.Verdict.Clean() || r.Verdict.Repeated > 0 {
		text += fmt.Sprintf("  lost %d, doubled %d, repeated %d", r.Verdict.Lost(), r.Verdict.Doubled(), r.Verdict.Repeated)
	}
	return text
}

// verdict is about ours alone: the others are as they are.
func verdict(results report.Set) error {
	var failures []string
	for _, r := range results {
		if r.Contestant == harness.Ours && !r.Verdict.Clean() {
			failures = append(failures, fmt.Sprintf("%s: %d of %d calls lost, %d doubled", r.Load.Name, r.Verdict.Lost(), r.Verdict.Calls, r.Verdict.Doubled()))
		}
	}
	if len(failures) > 0 {
		return errors.New("aftercall must neither lose nor double a call: " + strings.Join(failures, "; "))
	}
	return nil
}
