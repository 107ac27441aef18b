package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	aftercall "aftercall/internal/cli"
	"aftercall/internal/config"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/pages"
	starter "aftercall/starter/service"
	worker "aftercall/worker/service"
)

// asProgram makes the test binary one of the programs behind make.
const asProgram = "AFTERCALL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "call":
		main()
	case "aftercall":
		os.Exit(aftercall.Run(context.Background(), aftercall.Process{
			Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr, Starter: starter.Run, Worker: worker.Run,
		}, os.Args[1:]))
	default:
		os.Exit(m.Run())
	}
}

// makeProgram is make with the targets that the tutorial uses: those of the Makefile,
// without a build.
const makeProgram = `#!/bin/sh
set -e
case $1 in
call) export ` + asProgram + `=call; set -- call "$2" ;;
aftercall) . dev/.state/own/env; export ` + asProgram + `=aftercall; set -- "" "$2" ;;
*) exit 0 ;; # the test has started the stack
esac
eval "exec '%s' $1 ${2#ARGS=}"
`

// TestTutorial runs every command of docs/tutorial.md.
func TestTutorial(t *testing.T) {
	python, ok := testenv.Program(t, "python3", "install it to run the receiver of the tutorial")
	if !ok {
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	clone, bin := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "make"), fmt.Appendf(nil, makeProgram, self), 0o700))
	require.NoError(t, os.Symlink(python, filepath.Join(bin, "python3")))
	tutorial := &tutorial{t: t, folder: clone, bin: bin, port: testenv.FreePort(t)}
	for _, block := range pages.Blocks(t, "..") {
		switch {
		case block.Page != "docs/tutorial.md":
		case block.Language == "text":
			tutorial.requirePrinted(block.Text)
		case strings.Contains(block.Text, "--config my.yaml"):
			tutorial.run(block.Text)
			startTutorialStack(t, clone)
		case strings.Contains(block.Text, "python3 receiver.py"):
			tutorial.runReceiver(block.Text)
		default:
			tutorial.run(block.Text)
		}
	}
	for _, event := range []string{"call.charged 0.12 EUR", "call.charged 0.36 EUR", "call.review", "call.charged 0.30 EUR"} {
		require.Eventually(t, func() bool { return strings.Contains(tutorial.received.String(), event) }, 3*time.Minute, 100*time.Millisecond, event)
	}
	require.Equal(t, 1, strings.Count(tutorial.received.String(), "0.36 EUR"), "the call whose callback came three times")
}

type tutorial struct {
	t           *testing.T
	folder, bin string
	// port is that of the receiver, because 9000 may be in use here.
	port     int
	printed  string
	received testenv.Log
}

func (t *tutorial) shell(script string) *exec.Cmd {
	script = strings.ReplaceAll(script, "9000", fmt.Sprint(t.port))
	cmd := exec.CommandContext(t.t.Context(), "sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = t.folder, append(os.Environ(), "PATH="+t.bin+":"+os.Getenv("PATH"))
	return cmd
}

func (t *tutorial) run(script string) {
	t.t.Helper()
	out, err := t.shell(script).CombinedOutput()
	require.NoError(t.t, err, "%s\n%s", script, out)
	t.printed = string(out)
}

// runReceiver runs a script that does not end, until the test does.
func (t *tutorial) runReceiver(script string) {
	t.t.Helper()
	script = strings.ReplaceAll(script, "python3 receiver.py", "exec python3 receiver.py")
	cmd := t.shell(script)
	cmd.Stdout, cmd.Stderr = &t.received, &t.received
	require.NoError(t.t, cmd.Start())
	t.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended with the test's context
		_ = cmd.Wait()
	})
	require.Eventually(t.t, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", t.port))
		return err == nil && conn.Close() == nil
	}, time.Minute, 50*time.Millisecond, "the receiver listens")
}

// requirePrinted requires lines of the output of the last commands.
func (t *tutorial) requirePrinted(lines string) {
	t.t.Helper()
	unwrapped := regexp.MustCompile(`\s+`).ReplaceAllString(t.printed, " ")
	for line := range strings.Lines(lines) {
		require.Contains(t.t, unwrapped, strings.TrimSpace(line), t.printed)
	}
}

// startTutorialStack is make dev ARGS="--config my.yaml" in a folder, on free ports.
func startTutorialStack(t *testing.T, folder string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	ports, err := local.FreePorts(local.Dev)
	require.NoError(t, err)
	temporal, err := local.TemporalPath(ctx, root)
	require.NoError(t, err)
	var printed bytes.Buffer
	p := project{root: folder, out: &printed}
	stack, err := local.Start(ctx, local.Options{
		Root: root, Dir: p.stateDir(local.Dev, true), Config: filepath.Join(folder, "my.yaml"), Topology: local.Dev, Ports: ports, Temporal: temporal,
		Isolated: true, Starter: local.Service{Run: starter.Run}, Worker: local.Service{Run: worker.Run},
		AnswerTimeout: local.LenientAnswerTimeout, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop(context.WithoutCancel(ctx))) })
	_, err = p.runCalls(ctx, stack)
	require.NoError(t, err)
	require.Contains(t, printed.String(), "SHOP_SECRET=whsec_")
	require.Contains(t, printed.String(), "because it is on this machine: shop")
	require.Contains(t, printed.String(), "0.12 EUR for 120 s, by tariff standard")
}
