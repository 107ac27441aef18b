package local_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/workflows"
)

const (
	// callsAtOnce is how many calls end in each part of TestWrongClocks. Of every five,
	// the callbacks of two are lost.
	callsAtOnce = 100
	offBy       = 10 * time.Minute
)

// wrongClocks has a stack in which a worker and the starter have clocks of their own.
type wrongClocks struct {
	console
	program             string
	starter, worker     local.Clock
	starterAdmin, admin int
}

// TestWrongClocks has a worker and a starter whose clocks are ten minutes ahead, and
// then behind. Nothing fails while no other worker is there, and nothing stays behind
// once one is, or once the clock is right.
func TestWrongClocks(t *testing.T) {
	program, err := local.BuildSkewed(t.Context(), root, t.TempDir())
	require.NoError(t, err)
	stack := startStackWithConfig(t, "every: 1m", "every: 10s", "settle: 10s", "settle: 5s")
	ports, err := freeport.Find(2)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 4*testTimeout) // for all parts
	defer cancel()
	w := wrongClocks{
		console: console{t, stack, ctx}, program: program,
		starter: local.Clock(filepath.Join(t.TempDir(), "clock")), worker: local.Clock(filepath.Join(t.TempDir(), "clock")), starterAdmin: ports[0], admin: ports[1],
	}
	require.NoError(t, stack.StopPart("starter"))
	require.NoError(t, stack.StopPart("worker"))

	w.launchWorker(offBy)
	w.launchStarter(offBy)
	w.saysSo("worker", "10m0s ahead of")
	w.saysSo("starter", "10m0s ahead of")
	w.red("ahead of the others")
	calls := w.end()
	w.waits(calls)
	require.NoError(t, stack.StartWorker(w.ctx))
	w.handled("only a worker that is ahead, and then a right one, too", calls)

	require.NoError(t, stack.StopPart("wrong starter"))
	require.NoError(t, stack.StopPart("wrong worker"))
	w.launchWorker(-offBy)
	w.launchStarter(-offBy)
	w.saysSo("worker", "10m0s behind")
	w.handled("a right worker, and one that is behind", w.end())

	require.NoError(t, stack.StopPart("worker"))
	calls = w.end()
	w.waits(calls)
	require.NoError(t, w.worker.Set(0))
	w.handled("only a worker that is behind, and then right", calls)
	require.NoError(t, w.starter.Set(0))
	require.Eventually(t, func() bool {
		_, red := w.console.red(nil)["process clocks"]
		return !red
	}, testTimeout, time.Second)
	require.Zero(t, stack.Webhooks.Counts("crm").BadSignatures+stack.Webhooks.Counts("audit").BadSignatures, "signed webhooks that were refused")
}

func (w wrongClocks) launch(name string, clock local.Clock, ahead time.Duration, admin int) {
	w.t.Helper()
	require.NoError(w.t, clock.Set(ahead))
	change := clock.Environ()
	change["AFTERCALL_LISTEN"] = fmt.Sprintf("127.0.0.1:%d", w.stack.Ports().Starter)
	require.NoError(w.t, w.stack.Launch("wrong "+name, local.Service{Program: w.program, Args: []string{name}}, admin, change))
}

func (w wrongClocks) launchWorker(ahead time.Duration) {
	w.t.Helper()
	w.launch("worker", w.worker, ahead, w.admin)
}

// launchStarter waits until the starter accepts callbacks. Its /readyz is red.
func (w wrongClocks) launchStarter(ahead time.Duration) {
	w.t.Helper()
	w.launch("starter", w.starter, ahead, w.starterAdmin)
	require.Eventually(w.t, func() bool {
		return strings.Contains(w.page(w.starterAdmin, "/readyz"), `"clock":"missing: the clock of this machine is 10m0s `)
	}, testTimeout, pollInterval)
}

// page is what an admin listener answers, empty if it does not.
func (w wrongClocks) page(admin int, path string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", admin, path), nil)
	require.NoError(w.t, err)
	resp, err := (&http.Client{Timeout: testTimeout}).Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return string(text)
}

// saysSo requires that the log of a process has a text about its clock, and that a
// worker takes no tasks.
func (w wrongClocks) saysSo(name, text string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		log, err := os.ReadFile(filepath.Join(w.stack.Dir(), "logs", "wrong-"+name+".log"))
		require.NoError(w.t, err)
		return strings.Contains(string(log), "the clock of this machine is "+text+" that of temporal") &&
			(name != "worker" || strings.Contains(string(log), "this worker takes no tasks"))
	}, testTimeout, pollInterval)
}

// red requires that check, on this machine, shows both clocks.
func (w wrongClocks) red(text string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		var found []finding
		w.json(&found, nil, "check")
		for _, f := range found {
			if f.Check == "process clocks" && f.Status == "failed" && strings.Contains(f.Detail, "worker on") && strings.Contains(f.Detail, "starter on") {
				require.Contains(w.t, f.Detail, text)
				require.Contains(w.t, f.Cure, "chrony")
				return true
			}
		}
		return false
	}, testTimeout, time.Second)
}

// end lets calls of both apps end. Their records can be read.
func (w wrongClocks) end() []tencentsim.Call {
	w.t.Helper()
	calls := make([]tencentsim.Call, callsAtOnce)
	for i := range calls {
		spec := tencentsim.CallSpec{SDKAppID: clinicID, EndedAgoSeconds: 10, Lose: i%5 < 2}
		if i%2 == 0 {
			spec.SDKAppID = tutoringID // its callbacks are signed
		}
		calls[i] = w.place(spec)
	}
	return calls
}

// count counts workflows by a query.
func (w wrongClocks) count(query string) int {
	w.t.Helper()
	found, err := w.stack.Temporal.CountWorkflow(w.ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	require.NoError(w.t, err)
	return int(found.GetCount())
}

// waits requires that the calls with callbacks, and a sweep, are started, and that
// nothing becomes of them.
func (w wrongClocks) waits(calls []tencentsim.Call) {
	w.t.Helper()
	const running = " AND ExecutionStatus = 'Running'"
	require.Eventually(w.t, func() bool {
		return w.count("WorkflowType = 'AfterCall'"+running) >= len(calls)*3/5 && w.count("WorkflowType = 'Sweep'"+running) > 0
	}, testTimeout, pollInterval)
	w.nothingFailed()
	for _, call := range calls {
		require.Empty(w.t, w.entries(call))
	}
}

func (w wrongClocks) nothingFailed() {
	w.t.Helper()
	require.Zero(w.t, w.count("ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled')"))
}

// handled waits until the calls are done, and requires that each is charged and notified
// once.
func (w wrongClocks) handled(part string, calls []tencentsim.Call) {
	w.t.Helper()
	began, recovered := time.Now(), 0
	for _, call := range calls {
		if w.follow(call).Source == workflows.SourceSweep {
			recovered++
		}
		require.Len(w.t, w.entries(call), 1)
		require.Equal(w.t, 1, w.stack.Arrivals("crm", call.Record.CallID))
	}
	w.nothingFailed()
	require.GreaterOrEqual(w.t, recovered, len(calls)*2/5)
	metrics := w.page(w.starterAdmin, "/metrics")
	require.Contains(w.t, metrics, `aftercall_callbacks_total{app="tutoring",outcome="started",status="200"}`)
	require.NotRegexp(w.t, `aftercall_callbacks_total\{[^}]*status="401"`, metrics, "signed callbacks that were refused")
	delay := w.startDelay()
	w.t.Logf("%s: %d calls charged and notified once within %s, %d of them found by sweeps; start delay %s",
		part, len(calls), time.Since(began).Round(100*time.Millisecond), recovered, delay)
}

// startDelay is the start delay of a call whose record cannot be read yet. The starter
// makes it of the end of the call and its clock.
func (w wrongClocks) startDelay() (delay time.Duration) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { // a busy machine may post the callback too late
		call, err := w.stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: clinicID, Seconds: 61})
		require.NoError(w.t, err)
		w.follow(call)
		info, err := w.stack.Temporal.DescribeWorkflowExecution(w.ctx, local.WorkflowID(call), "")
		require.NoError(w.t, err)
		delay = info.GetWorkflowExecutionInfo().GetExecutionTime().AsTime().Sub(info.GetWorkflowExecutionInfo().GetStartTime().AsTime())
		return delay > 0
	}, testTimeout, pollInterval)
	require.LessOrEqual(w.t, delay, 10*time.Second)
	return delay
}
