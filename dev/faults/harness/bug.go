package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"aftercall/dev/faults/planted"
	"aftercall/dev/faults/planted/active"
)

// plant builds starter and worker with the bugs that test the checker, and turns one of
// them on. remove deletes the programs.
func (s *setup) plant(ctx context.Context, bug string) (remove func() error, err error) {
	bugs, err := planted.Bugs()
	if err != nil {
		return nil, err
	}
	if names := planted.Names(bugs); !slices.Contains(names, bug) {
		return nil, fmt.Errorf("--bug %s: must be one of %s", bug, strings.Join(names, ", "))
	}
	folder, err := os.MkdirTemp("", "aftercall-planted-")
	if err != nil {
		return nil, err
	}
	overlay, err := planted.Overlay(s.root, folder)
	if err != nil {
		return nil, err
	}
	s.bin, s.environ = filepath.Join(folder, "bin"), map[string]string{active.Variable: bug}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", s.bin+"/", "./starter", "./worker")
	build.Dir = s.root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build with planted bugs: %w\n%s", err, out)
	}
	return func() error { return os.RemoveAll(folder) }, nil
}
