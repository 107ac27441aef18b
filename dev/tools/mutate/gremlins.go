package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// copyTree copies the files of a git working tree that are not ignored, so that
// it can be edited while the tests run.
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

// findMutants asks gremlins for the mutants of a package and of those below it,
// and whether a test reaches them. gremlins does not try them itself: it would
// compile each one, and count those that do not compile as noticed.
func findMutants(ctx context.Context, gremlins, source, pkg string) ([]mutant, error) {
	pkg = filepath.ToSlash(filepath.Clean(pkg))
	if _, err := os.Stat(filepath.Join(source, pkg)); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	output := filepath.Join(work, "output.json")
	cmd := exec.CommandContext(ctx, gremlins, "unleash", "--dry-run", "--output", output, "./"+pkg)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "TMPDIR="+work)
	log, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gremlins: %w\n%s", err, log)
	}
	data, err := os.ReadFile(output)
	if err != nil {
		return nil, fmt.Errorf("gremlins found nothing to change: %w\n%s", err, log)
	}
	return decode(data, pkg)
}

// decode reads gremlins' report of a package.
func decode(data []byte, pkg string) (mutants []mutant, err error) {
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
			if m.Type == inversion {
				continue // there is the same as arithmetic
			}
			m.File = filepath.ToSlash(filepath.Join(pkg, file.Name))
			mutants = append(mutants, m)
		}
	}
	return mutants, nil
}
