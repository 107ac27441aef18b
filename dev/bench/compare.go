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

// setting holds the flags of all commands.
type setting struct {
	Root string `help:"The project's folder." default:"." type:"existingdir"`
	Apps int    `help:"Number of apps that the calls are spread over. Tencent accepts 200 requests a second per app: 1 measures under that limit, 32 without it." default:"32"`
	Keep bool   `help:"Keep data and logs."`
}

// with starts the servers, calls do, and stops them.
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
		if s.Keep || err != nil {
			fmt.Fprintln(out, "data and logs are in", dir)
		} else {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	return do(&harness.Bench{
		Root: root, Dir: dir, Self: self, Temporal: temporal, Servers: servers, Apps: s.Apps, QuietTimeout: quietTimeout,
	})
}

// newFolder creates a folder that the user of the PostgreSQL server can enter.
func newFolder() (string, error) {
	dir, err := os.MkdirTemp("", "aftercall-bench-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// quietTimeout is how long to wait without a webhook until the missing ones count
// as lost.
const quietTimeout = 30 * time.Second

type compareCommand struct {
	setting
	Only          []string      `help:"Contestants to run: ${enum}." enum:"aftercall,temporal,aftercall-cluster,temporal-cluster,dbos,river,asynq,setnx" placeholder:"NAME"`
	Cluster       bool          `help:"Also run those on Temporal on a cluster on PostgreSQL, whose server takes minutes to build, once; needs HAProxy."`
	Runs          int           `help:"Runs of each contestant." default:"5"`
	Calls         int           `help:"Calls of a burn-down." default:"2000"`
	TemporalCalls int           `help:"Calls of a burn-down for the Temporal timer form, which takes several times as long." default:"1000"`
	Rate          int           `help:"Calls per second of a steady load." default:"50"`
	Copies        int           `help:"How many times each callback of a steady load is posted." default:"3"`
	Steady        time.Duration `help:"Duration of a steady load; 0 for none." default:"8s"`
	Kill          bool          `help:"Kill each service halfway, in a load of its own." default:"true" negatable:""`
	Publish       bool          `help:"Write the figures into docs/benchmarks.md, and the CSV file and the picture."`
}

// Run runs all contestants, and fails if aftercall loses or duplicates a call.
func (c compareCommand) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, out, func(b *harness.Bench) (err error) {
		if slices.ContainsFunc(c.contestants(), func(c harness.Contestant) bool { return c.Cluster }) {
			if b.Cluster, err = local.EnsureCluster(ctx, b.Root, out); err != nil {
				return err
			}
		}
		environment := report.Environment(ctx, b, c.Runs)
		fmt.Fprintln(out, environment)
		var results report.Set
		for run := range c.Runs {
			for _, contestant := range c.contestants() {
				measured, err := b.Run(ctx, contestant, c.loads(contestant))
				results = append(results, measured...)
				for _, r := range measured {
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
		return checkResults(results)
	})
}

func (c compareCommand) contestants() []harness.Contestant {
	var chosen []harness.Contestant
	for _, contestant := range harness.Contestants {
		if len(c.Only) == 0 && (c.Cluster || !contestant.Cluster) || slices.Contains(c.Only, contestant.Name) {
			chosen = append(chosen, contestant)
		}
	}
	return chosen
}

// killedCalls is the number of calls of a burn-down in which the service is killed.
const killedCalls = 600

// loads returns the loads of a run; the one with the kill is the last.
func (c compareCommand) loads(contestant harness.Contestant) []harness.Load {
	burnDown := harness.Load{Name: harness.BurnDown, Calls: c.Calls, Copies: 1}
	if contestant.Runs(harness.TemporalTimer) {
		burnDown.Calls = min(c.TemporalCalls, c.Calls)
	}
	loads := []harness.Load{burnDown}
	if steady := int(c.Steady.Seconds() * float64(c.Rate)); steady > 0 {
		loads = append(loads, harness.Load{Name: harness.Steady, Calls: steady, Rate: c.Rate, Copies: c.Copies})
	}
	if c.Kill {
		loads = append(loads, harness.Load{Name: harness.Killed, Calls: min(killedCalls, c.Calls), Copies: 1, Kill: true})
	}
	return loads
}

// line describes a result for the terminal.
func line(run int, r harness.Result) string {
	text := fmt.Sprintf("run %d  %-17s %-9s %6.1f calls/s  CPU %4.1f ms/call  ack p99 %6.1f ms  webhook delay p50 %7.1f ms  p99 %7.1f ms",
		run, r.Contestant, r.Load.Name, r.PerSecond, (r.ServiceCPU+r.ServerCPU).Seconds()*1000,
		r.Ack.P99.Seconds()*1000, r.WebhookDelay.P50.Seconds()*1000, r.WebhookDelay.P99.Seconds()*1000)
	if !r.Verification.Clean() || r.Verification.Repeated > 0 {
		text += fmt.Sprintf("  lost %d, charged or notified twice %d, repeated messages %d", r.Verification.Lost(), r.Verification.Duplicated(), r.Verification.Repeated)
	}
	return text
}

// checkResults returns an error if aftercall lost or duplicated a call. The
// other contestants are only reported.
func checkResults(results report.Set) error {
	var failures []string
	for _, r := range results {
		if r.Aftercall && !r.Verification.Clean() {
			failures = append(failures, fmt.Sprintf("%s: %d of %d calls lost, %d charged or notified twice", r.Load.Name, r.Verification.Lost(), r.Verification.Calls, r.Verification.Duplicated()))
		}
	}
	if len(failures) > 0 {
		return errors.New("aftercall must neither lose a call nor charge or notify it twice: " + strings.Join(failures, "; "))
	}
	return nil
}
