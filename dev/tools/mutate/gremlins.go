package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// timeoutCoefficient is how many times longer than the first run of the
	// tests, compilation included, a run with a mutant may take. It is generous
	// because the machine may become busier.
	timeoutCoefficient = 10
	// minTimeout is the least time that a run may take that gremlins does not do.
	minTimeout = time.Minute
)

// gremlins runs the program of that name.
type gremlins struct {
	program string
	work    string // for temporary files
	source  string // a copy of the working tree
}

// copyTree copies the files of a git working tree that are not ignored, without
// the programs in dev/bin, which gremlins would copy for each of its workers.
func copyTree(ctx context.Context, from, to string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir, list.Stderr = from, os.Stderr
	names, err := list.Output()
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and the deletion is not committed
		}
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// test returns the mutants of a package and of those below it.
func (g gremlins) test(ctx context.Context, pkg string) ([]mutant, error) {
	pkg = filepath.ToSlash(filepath.Clean(pkg))
	if _, err := os.Stat(filepath.Join(g.source, pkg)); err != nil {
		return nil, err
	}
	output := filepath.Join(g.work, "output.json")
	if err := os.RemoveAll(output); err != nil {
		return nil, err
	}
	// Not with --test-cpu: gremlins passes it to go test in a form that go test
	// refuses, and counts every mutant as killed.
	cmd := exec.CommandContext(ctx, g.program, "unleash", "--timeout-coefficient", fmt.Sprint(timeoutCoefficient), "--output", output, "./"+pkg)
	cmd.Dir = g.source
	// A cached run would make the timeout too short.
	cmd.Env = append(os.Environ(), "GOFLAGS=-count=1", "TMPDIR="+g.work)
	start := time.Now()
	log, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gremlins: %w\n%s", err, log)
	}
	data, err := os.ReadFile(output)
	if err != nil {
		return nil, fmt.Errorf("gremlins found nothing to change: %w\n%s", err, log)
	}
	mutants, err := decode(data)
	if err != nil {
		return nil, err
	}
	limit := max(minTimeout, time.Since(start))
	for i := range mutants {
		m := &mutants[i]
		m.File = filepath.ToSlash(filepath.Join(pkg, m.File))
		if err := g.inspect(ctx, m, limit); err != nil {
			return nil, err
		}
	}
	return mutants, nil
}

// decode reads gremlins' report.
func decode(data []byte) (mutants []mutant, err error) {
	var report struct {
		Files []struct {
			Name      string   `json:"file_name"`
			Mutations []mutant `json:"mutations"`
		} `json:"files"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("gremlins' report: %w", err)
	}
	for _, file := range report.Files {
		for _, m := range file.Mutations {
			m.File = file.Name
			mutants = append(mutants, m)
		}
	}
	return mutants, nil
}

// inspect adds the line of source, and tries mutants itself: those that gremlins
// did not because they are in a case expression, and those that timed out, with
// more time, because the machine may have been busy. What times out again has
// made a loop endless.
func (g gremlins) inspect(ctx context.Context, m *mutant, limit time.Duration) error {
	path := filepath.Join(g.source, m.File)
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if lines := bytes.Split(source, []byte("\n")); m.Line <= len(lines) {
		m.Code = string(lines[m.Line-1])
	}
	var changed []byte
	var ok bool
	switch m.Status {
	case notCovered:
		changed, ok, err = changeCase(source, *m)
	case timedOut:
		changed, ok, err = changeAny(source, *m)
	}
	if err != nil || !ok {
		return err
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		return err
	}
	m.Status, err = testOnce(ctx, filepath.Dir(path), limit)
	return errors.Join(err, os.WriteFile(path, source, 0o600))
}

// testOnce runs the tests of the package in dir and returns the status of the
// mutant that is in it.
func testOnce(ctx context.Context, dir string, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-failfast", ".")
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return timedOut, nil
	case ctx.Err() != nil:
		return notCovered, context.Cause(ctx)
	case errors.As(err, new(*exec.ExitError)):
		return killed, nil
	case err != nil:
		return notCovered, err
	}
	return lived, nil
}
