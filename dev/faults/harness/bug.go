package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"aftercall/dev/faults/planted"
	"aftercall/dev/faults/planted/active"
)

// buildPlanted builds the product with the bugs that test the checker, and the points at
// which it can be killed, in a folder. None of them is on.
func buildPlanted(ctx context.Context, root, folder string) (bin string, err error) {
	overlay, err := planted.Overlay(root, folder)
	if err != nil {
		return "", err
	}
	bin = filepath.Join(folder, "planted")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", bin+"/", ".", "./starter", "./worker")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build with planted bugs: %w\n%s", err, out)
	}
	return bin, nil
}

// plant lets all runs use the programs with bugs, and turns one of them on.
func (s *setup) plant(bug string) error {
	bugs, err := planted.Bugs()
	if err != nil {
		return err
	}
	if names := planted.Names(bugs); !slices.Contains(names, bug) {
		return fmt.Errorf("--bug %s: must be one of %s", bug, strings.Join(names, ", "))
	}
	s.bin, s.environ = s.planted, map[string]string{active.Variable: bug}
	return nil
}
