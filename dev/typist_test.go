package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/pages"
	starter "aftercall/starter/service"
	worker "aftercall/worker/service"
	"aftercall/workflows"
)

const (
	pagesWait = 3 * time.Minute

	clinicApp   = 1400000000
	tutoringApp = 1400000001
	seminarApp  = 1400000002
)

// The calls of the pages.
const (
	reviewedCall  = "055662e1-bc8a-469c-a334-1126c8c17d58"
	sweptCall     = "b51dddfb-3396-4d63-ba85-195f43e611b9"
	stuckCall     = "031e9606-9a12-4e66-b864-f941e9f111f4"
	lostCall      = "f99a58c3-dd04-4adf-8c23-50860f39489d"
	otherLostCall = "0b7c5c6e-6f0e-4d5a-9d52-3c1f7a8e2b94"
)

// typist types commands into a shell with the environment of a stack.
type typist struct {
	t      *testing.T
	stack  *local.Stack
	folder string
	env    []string
	// here are pairs: what is elsewhere on this machine follows what it is in the pages.
	here []string
	// read are the commands that were entered and have changed nothing.
	read map[string]bool
}

// startTypist starts the stack of make dev as the pages describe one: encrypted, without a
// chat, and without sweeps besides those that the test starts.
func startTypist(t *testing.T) *typist {
	t.Helper()
	config, err := os.ReadFile("aftercall.yaml")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(config), "every: 1m", "every: 24h")
	text = regexp.MustCompile(`(?s)  - name: desk.*?\n\n`).ReplaceAllString(text, "\n")
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	temporal, err := local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	ports, err := local.FreePorts(local.Dev)
	require.NoError(t, err)
	r := &typist{t: t, folder: t.TempDir(), read: map[string]bool{}}
	r.write("aftercall.yaml", text, 0o600)
	r.stack, err = local.Start(t.Context(), local.Options{
		Root: root, Dir: filepath.Join(r.folder, "dev", ".state", "own"), Topology: local.Dev, Ports: ports, Temporal: temporal, Isolated: true, Encrypt: true,
		Starter: local.Service{Run: starter.Run}, Worker: local.Service{Run: worker.Run}, AnswerTimeout: local.LenientAnswerTimeout,
		Environ: map[string]string{"AFTERCALL_CONFIG": filepath.Join(r.folder, "aftercall.yaml")}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.stack.Stop(context.WithoutCancel(t.Context()))) })
	r.install(temporal)
	return r
}

// install makes the environment of the shell.
func (r *typist) install(temporal string) {
	r.t.Helper()
	self, err := os.Executable()
	require.NoError(r.t, err)
	for program, command := range map[string]string{"aftercall": "", "starter": "starter", "worker": "worker"} {
		r.write("bin/"+program, fmt.Sprintf("#!/bin/sh\n%s=aftercall exec '%s' %s \"$@\"\n", asProgram, self, command), 0o700)
	}
	r.write("bin/make", fmt.Sprintf(makeProgram, self), 0o700)
	require.NoError(r.t, os.Symlink(temporal, filepath.Join(r.folder, "bin", "temporal")))
	tls := httptest.NewTLSServer(nil)
	r.t.Cleanup(tls.Close)
	r.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})), 0o600)

	ports, environ, codec := r.stack.Ports(), r.stack.Environ(), strings.TrimSuffix(r.stack.CodecURL(), "/")
	r.here = []string{
		"/etc/aftercall.yaml", environ["AFTERCALL_CONFIG"],
		"redis://redis:6379", environ["REDIS_URL"],
		"sqlite:/var/lib/aftercall/ledger.db", environ["LEDGER_URL"],
		"temporal:7233", environ["TEMPORAL_ADDRESS"],
		"127.0.0.1:9090", fmt.Sprint("127.0.0.1:", ports.StarterAdmins[0]),
		"127.0.0.1:9091", fmt.Sprint("127.0.0.1:", ports.WorkerAdmins[0]),
		"https://codec.example.com/codec", codec,
		"https://calls.example.com/", fmt.Sprintf("http://127.0.0.1:%d/", ports.Starter),
		"calls.example.com:443", tls.Listener.Addr().String(),
	}
	maps.Copy(environ, map[string]string{
		"PATH":    filepath.Join(r.folder, "bin") + ":" + os.Getenv("PATH"),
		"COLUMNS": "500", // what wraps depends on the length of paths
		// As in a profile of temporal, so that every command of it can read calls.
		"TEMPORAL_CODEC_ENDPOINT": codec, "TEMPORAL_CODEC_AUTH": "Bearer " + environ["AFTERCALL_CODEC_TOKEN"],
		// Of the starter and the worker that a page starts, next to those of the stack.
		"AFTERCALL_LISTEN": "127.0.0.1:0", "AFTERCALL_ADMIN_LISTEN": "127.0.0.1:0", "AFTERCALL_DRAIN": "0s",
	})
	r.env = os.Environ()
	for name, value := range environ {
		r.env = append(r.env, name+"="+value)
	}
}

func (r *typist) write(name, text string, mode os.FileMode) {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(r.t, os.WriteFile(path, []byte(text), mode))
}

// reading are commands that change nothing, and that a busy machine may be late for.
var reading = regexp.MustCompile(`(?m)^((bin/)?aftercall (check|waiting|review list|sweep status|call |ledger verify)|make aftercall ARGS=check|temporal worker deployment)`)

// enter types something, and requires its exit code and what it prints. What only reads is
// entered once, if its output is not shown.
func (r *typist) enter(typed pages.Typed, code int) {
	r.t.Helper()
	if command := strings.TrimSpace(typed.Script); typed.Printed == "" && reading.MatchString(command) {
		if r.read[command] {
			return
		}
		r.read[command] = true
	}
	same := func(printed string) bool {
		return typed.Printed == "" || pages.Shape(typed.Printed) == pages.Shape(printed)
	}
	printed, exit := r.runUntil(typed.Script, func(printed string, exit int) bool { return exit == code && same(printed) })
	assert.Equal(r.t, code, exit, "%s:%d: %s\n%s", typed.Page, typed.Line, typed.Script, printed)
	if !same(printed) {
		assert.Equal(r.t, pages.Shape(typed.Printed), pages.Shape(printed), "%s:%d: %s", typed.Page, typed.Line, typed.Script)
	}
}

// runUntil runs a script, and again while it is not right, if it only reads.
func (r *typist) runUntil(script string, right func(printed string, code int) bool) (printed string, code int) {
	r.t.Helper()
	for deadline := time.Now().Add(pagesWait); ; {
		printed, code = r.run(script)
		if right(printed, code) || !reading.MatchString(script) || time.Now().After(deadline) {
			return printed, code
		}
	}
}

// run returns what commands print, and the exit code of the last one. What they leave
// running ends with them.
func (r *typist) run(script string) (printed string, code int) {
	r.t.Helper()
	out, err := os.CreateTemp(r.folder, "printed")
	require.NoError(r.t, err)
	defer out.Close()
	now := time.Now().UTC()
	here := strings.NewReplacer(append(slices.Clone(r.here), // and the two hours of an outage
		"2026-11-25T00:15:39Z", now.Add(-2*time.Hour).Format(time.RFC3339), "2026-11-25T02:15:38Z", now.Format(time.RFC3339))...)
	ctx, cancel := context.WithTimeout(r.t.Context(), pagesWait)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-eu", "-c", here.Replace(script))
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	shell.Dir, shell.Env, shell.Stdout, shell.Stderr = r.folder, r.env, out, out
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(r.t, shell.Start())
	_ = shell.Wait()                                      // the exit code says it
	_ = syscall.Kill(-shell.Process.Pid, syscall.SIGTERM) // most leave nothing
	text, err := os.ReadFile(out.Name())
	require.NoError(r.t, err)
	return string(text), shell.ProcessState.ExitCode()
}

func (r *typist) place(spec tencentsim.CallSpec) tencentsim.Call {
	r.t.Helper()
	call, err := r.stack.Tencent.PlaceCall(spec)
	require.NoError(r.t, err)
	return call
}

// command runs a command that is not in a page.
func (r *typist) command(args ...string) {
	r.t.Helper()
	require.NoError(r.t, r.stack.Command(r.t.Context(), args...).Err())
}

func (r *typist) until(done func() bool, what string) {
	r.t.Helper()
	require.Eventually(r.t, done, pagesWait, 200*time.Millisecond, what)
}

// placeReviewed lets the call of docs/call.md end, and the calls that docs/operations.md
// looks up later.
func (r *typist) placeReviewed() {
	r.place(tencentsim.CallSpec{SDKAppID: tutoringApp, CallID: sweptCall, Seconds: 61, EndedAgoSeconds: 60, Lose: true})
	r.place(tencentsim.CallSpec{
		SDKAppID: clinicApp, CallID: stuckCall, Seconds: 61, EndedAgoSeconds: 6,
		RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Info: "internal error, please retry"},
	})
	call := r.place(tencentsim.CallSpec{
		SDKAppID: clinicApp, CallID: reviewedCall, Seconds: 61, EndedAgoSeconds: 6, Record: json.RawMessage(`{"AcceptTime":0}`),
	})
	require.NoError(r.t, r.stack.AwaitReview(r.t.Context(), call))
}

// loseCallbacks registers the address of another system, and lets sweeps find a call.
func (r *typist) loseCallbacks() {
	r.command("callback", "set", "--app", "tutoring", "--url", "https://old-backend.example.com/rtc/callback", "--force")
	for _, app := range []tencent.SDKAppID{clinicApp, tutoringApp, seminarApp} {
		sweep := r.stack.Temporal.ScheduleClient().GetHandle(r.t.Context(), workflows.SweepID(app))
		r.until(func() bool { return sweep.Trigger(r.t.Context(), client.ScheduleTriggerOptions{}) == nil }, "the worker has made the schedules")
	}
	r.untilPrinted(3, " listed, ", "sweep", "status")
	r.untilPrinted(2, ": delivered ", "call", sweptCall)
}

// untilPrinted waits until a command prints a text as often as that.
func (r *typist) untilPrinted(times int, text string, args ...string) {
	r.t.Helper()
	r.until(func() bool { return strings.Count(r.stack.Command(r.t.Context(), args...).Stdout, text) >= times }, text)
}

// awaitStuck waits until the record of a call was asked for again.
func (r *typist) awaitStuck() { r.untilPrinted(1, "last failure", "call", stuckCall) }

// placeLost lets a call end whose callback does not come, placeLostToo another one.
func (r *typist) placeLost()    { r.lose(lostCall) }
func (r *typist) placeLostToo() { r.lose(otherLostCall) }

func (r *typist) lose(callID string) {
	r.place(tencentsim.CallSpec{SDKAppID: tutoringApp, CallID: callID, Seconds: 61, RecordAfterSeconds: -1, Lose: true})
}

// startVersions starts the call that the backfill has found, and workers of two versions of
// a Worker Deployment.
func (r *typist) startVersions() {
	r.command("start", otherLostCall, "--app", "tutoring")
	for _, build := range []string{"1.3.2", "1.4.0"} {
		require.NoError(r.t, r.stack.Launch("worker of version "+build, local.Service{Run: worker.Run}, testenv.FreePort(r.t), map[string]string{
			"AFTERCALL_DEPLOYMENT": "aftercall", "AFTERCALL_BUILD_ID": build,
		}))
	}
	describe := r.stack.Temporal.WorkerDeploymentClient().GetHandle("aftercall")
	r.until(func() bool {
		d, err := describe.Describe(r.t.Context(), client.WorkerDeploymentDescribeOptions{})
		return err == nil && len(d.Info.VersionSummaries) == 2
	}, "Temporal knows the versions")
}
