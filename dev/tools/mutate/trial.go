package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const (
	// patience is how many times longer than without a mutant the tests may take.
	// It is generous because the machine may become busier: only a test that hangs
	// should time out.
	patience = 30
	// minLimit is the least time that the tests may take.
	minLimit = time.Minute
)

// trial tries the mutants of one package with the package's own tests.
type trial struct {
	dir   string
	work  string // for temporary files
	limit time.Duration
	// all is the test program that contains all mutants except those that are alone.
	all string
	// sources are the files by their name in dir, as they are without a mutant.
	sources map[string][]byte
	mutants []*mutant
	alone   map[*mutant]bool
}

// newTrial prepares a trial of mutants, which are of the package in dir. Its tests
// must pass without a mutant, and say how long they take.
func newTrial(ctx context.Context, dir, work string, mutants []*mutant) (*trial, error) {
	t := &trial{dir: dir, work: work, limit: time.Hour, sources: map[string][]byte{}, alone: map[*mutant]bool{}}
	for _, m := range mutants {
		name := filepath.Base(m.File)
		if t.sources[name] == nil {
			source, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return nil, err
			}
			t.sources[name] = source
		}
		op, err := findOperator(t.sources[name], *m)
		if err != nil {
			return nil, err
		}
		m.Code = line(t.sources[name], m.Line)
		// Go's coverage profile does not contain expressions of cases.
		if m.Status != notCovered || op.inCase {
			t.mutants = append(t.mutants, m)
		}
	}
	var err error
	if t.all, err = t.buildTogether(ctx); err != nil {
		return nil, err
	}
	return t, t.testUnchanged(ctx)
}

// testUnchanged tests the package without a mutant, and sets the limit of time. It does
// so several times, because a test that fails now and then would notice everything.
func (t *trial) testUnchanged(ctx context.Context) error {
	const times = 5
	start := time.Now()
	for range times {
		status, output, err := test(ctx, t.dir, t.all, 0, t.limit)
		if err != nil {
			return err
		}
		if status != lived {
			return fmt.Errorf("the tests of %s do not pass without a change:\n%s", t.dir, output)
		}
	}
	t.limit = max(minLimit, patience*time.Since(start)/times)
	return nil
}

// buildTogether compiles all mutants into one program. Those in lines that do not
// compile that way, such as constants and sums of strings, will be alone.
func (t *trial) buildTogether(ctx context.Context) (program string, err error) {
	for {
		replaced, err := t.togetherIn()
		if err != nil {
			return "", err
		}
		program, output, err := build(ctx, t.dir, t.work, replaced)
		if !errors.Is(err, errDoesNotCompile) {
			return program, err
		}
		before := len(t.alone)
		broken := compilerLines(output)
		for _, m := range t.mutants {
			if broken[place{filepath.Base(m.File), m.Line}] {
				t.alone[m] = true
			}
		}
		if len(t.alone) == before {
			return "", fmt.Errorf("%w:\n%s", err, output)
		}
	}
}

// togetherIn returns the changed files with all mutants that are not alone.
func (t *trial) togetherIn() (replaced map[string][]byte, err error) {
	numbers := map[string]map[position]map[string]int{}
	for i, m := range t.mutants {
		if t.alone[m] {
			continue
		}
		name := filepath.Base(m.File)
		if numbers[name] == nil {
			numbers[name] = map[position]map[string]int{}
		}
		if numbers[name][m.position()] == nil {
			numbers[name][m.position()] = map[string]int{}
		}
		numbers[name][m.position()][m.Type] = i + 1
	}
	replaced = map[string][]byte{}
	for name, at := range numbers {
		path := filepath.Join(t.dir, name)
		if replaced[path], err = together(name, t.sources[name], at); err != nil {
			return nil, err
		}
		replaced[filepath.Join(t.dir, "mutate_helpers.go")] = helpers(packageName(t.sources[name]))
	}
	return replaced, nil
}

// run tries the mutants, as many at a time as Go uses processors (GOMAXPROCS), and
// sets their status.
func (t *trial) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				if err := t.try(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range t.mutants {
		next <- i
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

func (t *trial) try(ctx context.Context, i int) (err error) {
	m := t.mutants[i]
	if !t.alone[m] {
		m.Status, _, err = test(ctx, t.dir, t.all, i+1, t.limit)
		return err
	}
	name := filepath.Base(m.File)
	op, err := findOperator(t.sources[name], *m)
	if err != nil {
		return err
	}
	work := filepath.Join(t.work, strconv.Itoa(i))
	if err := os.Mkdir(work, 0o750); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	changed := change(t.sources[name], *m, op)
	program, _, err := build(ctx, t.dir, work, map[string][]byte{filepath.Join(t.dir, name): changed})
	if errors.Is(err, errDoesNotCompile) {
		m.Status = notViable
		return nil
	}
	if err != nil {
		return err
	}
	m.Status, _, err = test(ctx, t.dir, program, 0, t.limit)
	return err
}
