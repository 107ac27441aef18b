package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"aftercall/dev/local"
)

type upCommand struct {
	topology
	Config    string `help:"Your own configuration, to serve in place of dev/aftercall.yaml. Its apps are simulated, and what it would send elsewhere stays on this machine." type:"path"`
	FreePorts bool   `help:"Use free ports instead of the usual ones."`
	List      string `help:"The development server's list of workflows: slim, with the indexes that queries use; or, in a new state folder, stock, with all that the server comes with." enum:"slim,stock" default:"slim"`
	Encrypt   bool   `help:"Encrypt the payloads that Temporal stores, from now on; the key is kept in the state folder."`
}

// Run starts the stack, runs the samples, and waits for Ctrl-C.
func (c upCommand) Run(ctx context.Context, p project) error {
	o, err := p.options(ctx, c.value())
	if err != nil {
		return err
	}
	o.Encrypt, o.StockList = c.Encrypt, c.List == "stock"
	if c.Config != "" {
		o.Config, o.Dir = c.Config, p.stateDir(c.value(), true)
	}
	if c.FreePorts {
		if o.Ports, err = local.FreePorts(c.value()); err != nil {
			return err
		}
	}
	fmt.Fprintln(p.out, "Starting the stack. Logs are in", o.Dir+"/logs")
	started := false
	err = with(ctx, o, func(s *local.Stack) error {
		started = true
		callID, err := p.runCalls(ctx, s)
		if err != nil {
			return unlessStopped(ctx, err)
		}
		printLinks(p.out, s)
		fmt.Fprintf(p.out, "\nSee how a charge was computed: make aftercall ARGS=\"ledger show %s\"\n", callID)
		fmt.Fprintln(p.out, "Simulate another call in a second terminal: make call ARGS=\"--media Video --seconds 130 --duplicates 3\"")
		fmt.Fprintln(p.out, "Run a command: make aftercall ARGS=check, or first . "+o.Dir+"/env and then bin/aftercall check")
		fmt.Fprintln(p.out, "Ctrl-C stops everything. The state is kept in", o.Dir)
		s.ShowArrivals(p.out)
		select {
		case <-ctx.Done():
			fmt.Fprintln(p.out, "\nStopping …")
			return nil
		case err := <-s.Failed():
			return err
		}
	})
	if started || ctx.Err() == nil {
		return err
	}
	fmt.Fprintln(p.out, "\nStopped before everything had started.") // which is why something did not
	return nil
}

// runCalls lets calls end, prints what became of them, and returns the ID of one.
func (p project) runCalls(ctx context.Context, s *local.Stack) (callID string, err error) {
	if s.Own != nil {
		printOwn(p.out, s)
		return p.runFirstCalls(ctx, s)
	}
	fmt.Fprintf(p.out, "Running %d sample calls. Each takes at least five seconds, because Tencent's records do …\n\n", len(local.Samples()))
	ran, others, err := s.RunSamples(ctx, local.Samples())
	if err != nil {
		return "", err
	}
	printTable(p.out, s, ran)
	for _, d := range local.Deviations(ran, others) {
		fmt.Fprintln(p.out, "deviation:", d)
	}
	return ran[0].Call.Record.CallID, nil
}

// unlessStopped returns nil if the samples were stopped by Ctrl-C.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

type demoCommand struct{ topology }

// Run verifies the outcome of every sample call, and fails with the deviations.
func (c demoCommand) Run(ctx context.Context, p project) error {
	o, remove, err := p.isolated(ctx, c.value())
	if err != nil {
		return err
	}
	var deviations []string
	err = with(ctx, o, func(s *local.Stack) error {
		fmt.Fprintf(p.out, "Redis: %s\nRunning %d sample calls …\n\n", s.RedisKind, len(local.Samples()))
		ran, others, err := s.RunSamples(ctx, local.Samples())
		if err != nil {
			return err
		}
		printTable(p.out, s, ran)
		verified, corrections := s.CorrectCharges(ctx, ran[0], ran[1])
		fmt.Fprintf(p.out, "\n%q was reversed, %q was rerated and adjusted. aftercall ledger verify --records:\n\n%s\n", ran[0].Name, ran[1].Name, verified)
		deviations = append(local.Deviations(ran, others), corrections...)
		audited, missed := s.FindUnrecorded(ctx)
		fmt.Fprintf(p.out, "\nOne more call had no callback and no record. aftercall audit:\n\n%s\n", audited)
		deviations = append(deviations, missed...)
		check := s.Command(ctx, "check", "--probe")
		fmt.Fprint(p.out, check.Stdout)
		if err := check.Err(); err != nil {
			deviations = append(deviations, "check: "+err.Error())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w\nlogs are in %s/logs", err, o.Dir)
	}
	if len(deviations) > 0 {
		return fmt.Errorf("%d deviations, logs are in %s/logs:\n  %s", len(deviations), o.Dir, strings.Join(deviations, "\n  "))
	}
	fmt.Fprintf(p.out, "\nAll %d calls have the expected workflow, charge, payer, deliveries, duplicates and corrections, and the audit finds the one without a record. All checks pass.\n", len(local.Samples()))
	return remove()
}

func printTable(out io.Writer, s *local.Stack, ran []local.SampleRun) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"call", "app", "result", "callbacks", "connected", "billed", "charge", "paid by", "delivered to", "events", "as expected"})
	for _, r := range ran {
		app, _ := s.Config.App(r.Call.SDKAppID)
		result := r.Execution.Result
		var targets []string
		for _, d := range result.Deliveries {
			if d.Delivered && !slices.Contains(targets, d.Target) {
				targets = append(targets, d.Target)
			}
		}
		payer := "the caller"
		if r.Payer != r.Call.Record.Caller {
			payer = r.Payer
		}
		verdict := "yes"
		if len(r.Deviations) > 0 {
			verdict = "NO"
		}
		t.AppendRow(table.Row{
			r.Name, app.Name, r.Call.Record.Result, len(r.Call.Callbacks),
			fmt.Sprint(result.ConnectedSeconds, " s"), fmt.Sprint(result.BilledSeconds, " s"),
			result.Amount + " " + result.Currency, payer, strings.Join(targets, ", "), r.Execution.Events, verdict,
		})
	}
	t.Render()
}

func printLinks(out io.Writer, s *local.Stack) {
	fmt.Fprintln(out)
	for _, l := range s.Links() {
		fmt.Fprintf(out, "  %-22s %s\n", l.Name, l.Location)
	}
}
