package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var errDoesNotCompile = errors.New("does not compile")

// build compiles the tests of the package in dir into work, with files replaced, by
// name. program is empty if the package has no tests.
func build(ctx context.Context, dir, work string, replaced map[string][]byte) (program string, output []byte, err error) {
	overlay, err := writeOverlay(work, replaced)
	if err != nil {
		return "", nil, err
	}
	program = filepath.Join(work, "package.test")
	// The paths are trimmed so that all copies of the tree share what is compiled.
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-gcflags=-e", "-overlay", overlay, "-o", program, ".")
	cmd.Dir = dir
	output, err = cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return "", nil, context.Cause(ctx)
	case errors.As(err, new(*exec.ExitError)):
		return "", output, errDoesNotCompile
	case err != nil:
		return "", nil, err
	}
	if _, err := os.Stat(program); errors.Is(err, os.ErrNotExist) {
		return "", nil, nil
	}
	return program, nil, nil
}

// writeOverlay writes files and their overlay, as the go command wants it, into a
// directory.
func writeOverlay(dir string, replaced map[string][]byte) (path string, err error) {
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for name, text := range replaced {
		with := filepath.Join(dir, filepath.Base(name))
		overlay.Replace[name] = with
		if err := os.WriteFile(with, text, 0o600); err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, data, 0o600)
}

// test runs a compiled test with a mutant by its number, 0 for none, and returns
// the status of that mutant and what the tests printed.
func test(ctx context.Context, dir, program string, number int, limit time.Duration) (status string, output []byte, err error) {
	if program == "" {
		return lived, nil, nil
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var log bytes.Buffer
	cmd := exec.CommandContext(limited, program, "-test.failfast")
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &log, &log, time.Second
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", activeMutant, number))
	// With the databases that the tests started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", nil, context.Cause(ctx)
	case limited.Err() != nil:
		return timedOut, log.Bytes(), nil
	case errors.As(err, new(*exec.ExitError)):
		return killed, log.Bytes(), nil
	case err != nil:
		return "", nil, err
	}
	return lived, log.Bytes(), nil
}

// place is a line of a file by its base name.
type place struct {
	file string
	line int
}

var compilerLine = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):`)

// compilerLines returns the lines that have errors.
func compilerLines(output []byte) map[place]bool {
	places := map[place]bool{}
	for _, match := range compilerLine.FindAllSubmatch(output, -1) {
		if number, err := strconv.Atoi(string(match[2])); err == nil {
			places[place{filepath.Base(string(match[1])), number}] = true
		}
	}
	return places
}

// line returns a line of source by its number from 1.
func line(source []byte, number int) string {
	return strings.TrimSpace(strings.Split(string(source), "\n")[number-1])
}

func packageName(source []byte) string {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.PackageClauseOnly)
	if err != nil {
		return ""
	}
	return file.Name.Name
}
