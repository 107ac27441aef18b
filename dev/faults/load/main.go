// Command load puts more on the stack of real processes than it can handle at once, and
// checks what became of every call: `make load`.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"aftercall/dev/docsection"
	"aftercall/dev/faults/checker"
	"aftercall/dev/local"
)

type cli struct {
	Scenario string `arg:"" help:"burst: callbacks at once; waiting: calls that wait in an outage of the record API; killed: kill -9 of everything in mid-load." enum:"burst,waiting,killed"`
	Root     string `help:"The project's folder." default:"." type:"existingdir"`
	Topology string `help:"dev or cluster." enum:"dev,cluster" default:"dev"`
	Calls    int    `help:"Calls; left out, 5000 in a burst, 20000 that wait, 1000 that are killed."`
	Document string `help:"A document whose section \"load: SCENARIO on TOPOLOGY\" gets the figures."`
}

// scenario is a load. It returns its figures as lines of a table.
type scenario struct {
	calls int
	run   func(ctx context.Context, r *run) error
	// callbacks posts the callbacks; nil posts them over connections that are kept.
	callbacks http.RoundTripper
}

var scenarios = map[string]scenario{
	"burst":   {calls: 5000, run: burst, callbacks: sender{}},
	"waiting": {calls: 20_000, run: waiting},
	"killed":  {calls: 1000, run: killed},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	command := kong.Parse(c, kong.Name("load"), kong.Description("More than the stack of real processes can handle at once."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}

// Run runs a scenario on a stack of its own, and fails if the checker has found something.
func (c *cli) Run(ctx context.Context) (err error) {
	r := &run{out: os.Stdout, calls: c.Calls, began: time.Now()}
	chosen := scenarios[c.Scenario]
	if r.calls == 0 {
		r.calls = chosen.calls
	}
	dir, err := os.MkdirTemp("", "aftercall-load-")
	if err != nil {
		return err
	}
	if err := r.start(ctx, c, dir); err != nil {
		return fmt.Errorf("%w\nlogs are in %s/logs", err, dir)
	}
	defer func() {
		err = errors.Join(err, r.stack.Stop(context.WithoutCancel(ctx)))
		if err == nil {
			err = os.RemoveAll(dir)
		}
	}()
	r.figure("processors", "%d, for the load, the simulators and everything else", runtime.NumCPU())
	r.figure("calls", "%d", r.calls)
	if err := chosen.run(ctx, r); err != nil {
		return fmt.Errorf("%w\nlogs are in %s/logs", err, dir)
	}
	findings, err := r.check(ctx)
	if err != nil {
		return fmt.Errorf("%w\nlogs are in %s/logs", err, dir)
	}
	findings = append(r.findings, findings...)
	for i, kind := range []string{checker.Lost, checker.Doubled} {
		r.figure([]string{"lost", "doubled"}[i], "%d", count(findings, kind))
	}
	r.figure("other findings", "%d", len(findings)-count(findings, checker.Lost)-count(findings, checker.Doubled))
	for _, f := range findings {
		fmt.Fprintln(r.out, f)
	}
	if len(findings) > 0 {
		return fmt.Errorf("%d findings; logs are in %s/logs", len(findings), dir)
	}
	if c.Document != "" {
		section := docsection.Section{Name: "load: " + c.Scenario + " on " + c.Topology, Text: r.table()}
		if err := docsection.Update(c.Document, section); err != nil {
			return err
		}
	}
	return nil
}

// start starts the stack without any proxy for faults in between.
func (r *run) start(ctx context.Context, c *cli, dir string) error {
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return err
	}
	r.topology = local.Dev
	if c.Topology == local.Cluster.Name {
		r.topology = local.Cluster
	}
	r.topology.EmbeddedRedis = false // it cannot be killed
	temporal, err := r.topology.EnsureTemporal(ctx, root, r.out)
	if err != nil {
		return err
	}
	ports, err := local.FreePorts(r.topology)
	if err != nil {
		return err
	}
	r.stack, err = local.Start(ctx, local.Options{
		Root: root, Dir: dir, Topology: r.topology, Ports: ports, Temporal: temporal, Isolated: true,
		Starter:   local.Service{Program: filepath.Join(root, "bin", "starter")},
		Worker:    local.Service{Program: filepath.Join(root, "bin", "worker")},
		Logger:    slog.New(slog.DiscardHandler),
		Callbacks: scenarios[c.Scenario].callbacks,
	})
	return err
}

// figure prints a figure, and keeps it for the table.
func (r *run) figure(name, format string, args ...any) {
	line := fmt.Sprintf("| %s | %s |", name, fmt.Sprintf(format, args...))
	fmt.Fprintln(r.out, line)
	r.figures = append(r.figures, line)
}

func (r *run) table() string {
	return "| | |\n|---|---|\n" + strings.Join(r.figures, "\n")
}

func count(findings []checker.Finding, kind string) (n int) {
	for _, f := range findings {
		if f.Kind == kind {
			n++
		}
	}
	return n
}
