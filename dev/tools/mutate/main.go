// Command mutate changes operators in the code, one at a time, and reports the
// changes that no test notices. For each package that is named as an argument,
// gremlins finds the operators, and mutate runs the package's own tests with each
// of them changed, and prints the survivors. It exits with 1 if a package could not
// be tested, not if mutants survive.
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
	gremlins := filepath.Join(filepath.Dir(self), "gremlins")
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	source := filepath.Join(work, "source")
	if err := copyTree(ctx, ".", source); err != nil {
		return fmt.Errorf("copy the working tree: %w", err)
	}
	all := counts{}
	var failed []string
	for _, pkg := range packages {
		start := time.Now()
		mutants, err := findMutants(ctx, gremlins, source, pkg)
		if err == nil {
			err = tryAll(ctx, source, work, mutants)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", pkg, err)
			failed = append(failed, pkg)
			continue
		}
		all.add(mutants)
		report(pkg, mutants, time.Since(start))
	}
	if len(packages) > 1 {
		fmt.Printf("all: %s\n", all)
	}
	if len(failed) > 0 {
		return fmt.Errorf("could not test %q", failed)
	}
	return nil
}

// tryAll tries mutants of several packages.
func tryAll(ctx context.Context, source, work string, mutants []mutant) error {
	packages := map[string][]*mutant{}
	for i := range mutants {
		dir := filepath.Join(source, filepath.Dir(mutants[i].File))
		packages[dir] = append(packages[dir], &mutants[i])
	}
	for dir, mutants := range packages {
		own, err := os.MkdirTemp(work, "package-")
		if err != nil {
			return err
		}
		t, err := newTrial(ctx, dir, own, mutants)
		if err != nil {
			return err
		}
		if err := t.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// report prints the counts of a package, and the mutants that tell something about
// its tests.
func report(pkg string, mutants []mutant, took time.Duration) {
	c := counts{}
	c.add(mutants)
	fmt.Printf("%s: %s, in %s\n", pkg, c, took.Round(time.Second))
	inOrder(mutants)
	for _, m := range mutants {
		if m.Status != killed && m.Status != notViable {
			fmt.Printf("  %s\n", m)
		}
	}
}
