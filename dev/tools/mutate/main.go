// Command mutate changes operators in the code, one at a time, and reports the
// changes that no test notices. It runs gremlins over each package that is named
// as an argument, tries the operators in case expressions itself, which gremlins
// cannot, and prints the survivors. It exits with 1 if a package could not be
// tested, not if mutants survive.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run tests packages, which are paths below the working directory such as
// ./internal/sweep.
func run(ctx context.Context, packages []string) error {
	if len(packages) == 0 {
		return fmt.Errorf("name the packages, as in: mutate ./internal/sweep")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	source := filepath.Join(work, "source")
	if err := copyTree(ctx, ".", source); err != nil {
		return fmt.Errorf("copy the working tree: %w", err)
	}
	g := gremlins{program: filepath.Join(filepath.Dir(self), "gremlins"), work: work, source: source}
	var all counts
	var failed []string
	for _, pkg := range packages {
		start := time.Now()
		mutants, err := g.test(ctx, pkg)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", pkg, err)
			failed = append(failed, pkg)
			continue
		}
		c := count(mutants)
		all.add(c)
		fmt.Printf("%s: %s, in %s\n", pkg, c, time.Since(start).Round(time.Second))
		for _, m := range mutants {
			if m.Status != killed {
				fmt.Printf("  %s\n", m)
			}
		}
	}
	if len(packages) > 1 {
		fmt.Printf("all: %s\n", all)
	}
	if len(failed) > 0 {
		return fmt.Errorf("could not test %q", failed)
	}
	return nil
}
