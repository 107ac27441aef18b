// Command harness injects faults into the stack of real processes while calls end, and
// checks what became of every call: `make faults`. It is a module of its own, so that
// the service's go.mod does not need toxiproxy.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/docsection"
	"aftercall/dev/local"
)

type program struct {
	Root     string   `help:"The project's folder." default:"." type:"existingdir"`
	Seeds    string   `help:"Seeds of the plans: 7, or 1..20." default:"1..20"`
	Topology string   `help:"dev or cluster." enum:"dev,cluster" default:"dev"`
	Calls    int      `help:"Calls in a run." default:"60"`
	AtOnce   int      `help:"Runs at the same time: a run mostly waits." default:"1"`
	Faults   int      `help:"Faults in a run, the first ones of those that its seed deals." default:"8"`
	Fault    []string `help:"Inject this fault alone, keep the logs and print the timeline: for example \"redis: kill -9\". May be repeated." sep:"none"`
	Bug      string   `help:"Plant a bug, and fail if it is not found: a name of dev/faults/planted/bugs."`
	Document string   `help:"A document whose section \"faults on TOPOLOGY\" gets the results."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &program{}
	command := kong.Parse(c, kong.Name("faults"), kong.Description("Faults in the stack of real processes, by seed."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}

// Run runs the plans of all seeds, and fails if the checker has found something.
func (c *program) Run(ctx context.Context) (failure error) {
	first, last, err := parseSeeds(c.Seeds)
	if err != nil {
		return err
	}
	if c.AtOnce < 1 {
		return fmt.Errorf("--at-once %d: must be 1 or more", c.AtOnce)
	}
	if c.Faults < 1 || c.Faults > faultsInPlan {
		return fmt.Errorf("--faults %d: must be 1 to %d", c.Faults, faultsInPlan)
	}
	s, err := c.setup(ctx)
	if err != nil {
		return err
	}
	programs, err := os.MkdirTemp("", "aftercall-programs-")
	if err != nil {
		return err
	}
	defer func() { failure = errors.Join(failure, os.RemoveAll(programs)) }()
	if s.skewed, err = local.BuildSkewed(ctx, s.root, programs); err != nil {
		return err
	}
	if s.planted, err = buildPlanted(ctx, s.root, programs); err != nil {
		return err
	}
	if c.Bug != "" {
		if err := s.plant(c.Bug); err != nil {
			return err
		}
	}
	results := make([]result, last-first+1)
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(c.AtOnce)
	for i := range results {
		runs.Go(func() (err error) {
			seed := first + uint64(i)
			if results[i], err = s.run(ctx, seed); err != nil {
				// At once, since the other seeds have to end first.
				fmt.Fprintf(s.out, "seed %d did not run: %v\n", seed, err)
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			r := results[i]
			fmt.Fprintf(s.out, "seed %d: %d faults, %d calls, %d callbacks, %d findings, recovered in %s; grown by at most %s\n",
				seed, len(r.injected), len(r.plan.calls), r.delivered, len(r.findings), r.recovered.Round(time.Second), r.grown)
			return nil
		})
	}
	if err := runs.Wait(); err != nil {
		return err
	}
	failed := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return len(r.findings) == 0 })
	text := tables(results)
	fmt.Fprintln(s.out, text)
	if c.Document != "" {
		if err := docsection.Update(c.Document, docsection.Section{Name: "faults on " + c.Topology, Text: text}); err != nil {
			return err
		}
	}
	if c.Bug != "" {
		if len(failed) == 0 {
			return fmt.Errorf("the planted bug %s was not found", c.Bug)
		}
		return nil
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d seeds failed", len(failed), len(results))
	}
	return nil
}

func (c *program) setup(ctx context.Context) (setup, error) {
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return setup{}, err
	}
	s := setup{
		root: root, bin: filepath.Join(root, "bin"), topology: local.Dev,
		faults: c.Faults, only: c.Fault, calls: c.Calls, out: os.Stdout,
	}
	if c.Topology == local.Cluster.Name {
		s.topology = local.Cluster
	}
	s.topology.EmbeddedRedis = false // it cannot be killed
	s.temporal, err = s.topology.EnsureTemporal(ctx, root, os.Stdout)
	return s, err
}

// parseSeeds reads "7" or "1..20".
func parseSeeds(text string) (first, last uint64, err error) {
	from, to, several := strings.Cut(text, "..")
	if !several {
		to = from
	}
	first, err1 := strconv.ParseUint(from, 10, 64)
	last, err2 := strconv.ParseUint(to, 10, 64)
	if err1 != nil || err2 != nil || last < first {
		return 0, 0, fmt.Errorf("--seeds %s: must be a number such as 7 or a range such as 1..20", text)
	}
	return first, last, nil
}
