package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/billing"
	"aftercall/internal/dedupe"
	starter "aftercall/starter/service"
	worker "aftercall/worker/service"
	"aftercall/workflows"
)

// root is the project's folder, relative to this one.
const root = "../.."

// shared is the stack of the tests that do not start one. It runs the same
// functions as the mains of starter and worker.
var shared *local.Stack

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aftercall-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		shared, err = startShared(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the stack does not start:", err)
		return 1
	}
	code := m.Run()
	if err := shared.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "the stack does not stop:", err)
		return 1
	}
	return code
}

func startShared(dir string) (*local.Stack, error) {
	o, err := stackOptions(dir)
	if err != nil {
		return nil, err
	}
	return local.Start(context.Background(), o)
}

// stackOptions are the options of a stack that keeps its state in dir.
func stackOptions(dir string) (local.Options, error) {
	temporal, err := local.TemporalPath(context.Background(), root)
	if err != nil {
		return local.Options{}, err
	}
	ports, err := local.FreePorts(local.Dev)
	if err != nil {
		return local.Options{}, err
	}
	absolute, err := filepath.Abs(root)
	return local.Options{
		Root: absolute, Dir: dir, Topology: local.Dev, Ports: ports, Temporal: temporal, Isolated: true,
		StartServer: devServer, Starter: local.Service{Run: starter.Run}, Worker: local.Service{Run: worker.Run},
		AnswerTimeout: local.LenientAnswerTimeout, Logger: slog.New(slog.DiscardHandler),
	}, err
}

// devServer starts a server with Temporal's test suite.
func devServer(ctx context.Context, server local.Server) (stop func() error, err error) {
	dev, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
		ExistingPath:  server.Path,
		ClientOptions: &client.Options{HostPort: server.Address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))},
		DBFilename:    server.Database,
		EnableUI:      true,
		UIPort:        server.UIPort,
		ExtraArgs: append(
			server.Arguments,
			// A deletion waits until the last tasks of the workflow are acknowledged.
			"--dynamic-config-value", `history.transferProcessorUpdateAckInterval="1s"`,
			"--dynamic-config-value", `history.visibilityProcessorUpdateAckInterval="1s"`,
		),
		Stdout: io.Discard,
		Stderr: io.Discard,
	})
	if err != nil {
		return nil, err
	}
	return func() error {
		dev.Client().Close()
		return dev.Stop()
	}, nil
}

// startStack starts a stack for one test, with the options changed, and stops
// it when the test ends.
func startStack(t *testing.T, change ...func(*local.Options)) *local.Stack {
	t.Helper()
	o, err := stackOptions(t.TempDir())
	require.NoError(t, err)
	for _, f := range change {
		f(&o)
	}
	stack, err := local.Start(testContext(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop(context.Background())) })
	return stack
}

// startStackWithConfig starts a stack on the development configuration, in which
// texts are replaced: an old one is followed by a new one.
func startStackWithConfig(t *testing.T, oldnew ...string) *local.Stack {
	t.Helper()
	path := changedConfig(t, oldnew...)
	return startStack(t, func(o *local.Options) { o.Environ = map[string]string{"AFTERCALL_CONFIG": path} })
}

// changedConfig is a copy of dev/aftercall.yaml with replacements.
func changedConfig(t *testing.T, oldnew ...string) (path string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "dev", "aftercall.yaml"))
	require.NoError(t, err)
	for i := 0; i < len(oldnew); i += 2 {
		require.Contains(t, string(data), oldnew[i])
	}
	path = filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(oldnew...).Replace(string(data))), 0o600))
	return path
}

const (
	// testTimeout bounds what takes seconds on an idle machine; a busy one may
	// need many times as long.
	testTimeout = 6 * time.Minute
	// pollInterval is the pause between two looks at a condition.
	pollInterval = 50 * time.Millisecond
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func TestSamples(t *testing.T) {
	ran, others, err := shared.RunSamples(testContext(t), local.Samples())
	require.NoError(t, err)
	require.Empty(t, local.Deviations(ran, others))
}

// TestVerificationFindsDeviations makes sure that the demo can fail.
func TestVerificationFindsDeviations(t *testing.T) {
	sample := local.Sample{
		Name: "wrong on purpose",
		Spec: tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61},
		Want: local.Want{Outcome: workflows.OutcomeFree, Amount: "9.99", Billed: 1, Targets: []string{"crm", "audit"}, Duplicates: 2},
	}
	ran, others, err := shared.RunSamples(testContext(t), []local.Sample{sample})
	require.NoError(t, err)
	require.Len(t, local.Deviations(ran, others), 6, "outcome, sum, ledger, deliveries, arrivals, duplicates")
}

// TestBudget keeps an ordinary call as cheap as it is.
func TestBudget(t *testing.T) {
	ordinaryCall(t, shared, tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
}

// TestBudgetOfEvidence: a call that is charged by evidence costs no more than others where
// it need not wait any more, and where it must wait, a timer and a workflow task.
func TestBudgetOfEvidence(t *testing.T) {
	spec := tencentsim.CallSpec{SDKAppID: 1400000002, Seconds: 61, EndedAgoSeconds: 30}
	ordinaryCall(t, shared, spec)
	spec.EndedAgoSeconds = 0
	waits := local.Cost{Events: local.Budget.Events + 6, Transitions: local.Budget.Transitions + 4, Actions: local.Budget.Actions + 2}
	callWithin(t, shared, spec, waits)
}

// ordinaryCall places calls until one is within the budget, and returns it with
// its execution. On an idle machine that is the first one; on a busy one a step
// may time out and be retried, which costs more.
func ordinaryCall(t *testing.T, s *local.Stack, spec tencentsim.CallSpec) (call tencentsim.Call, f local.Execution) {
	t.Helper()
	return callWithin(t, s, spec, local.Budget)
}

func callWithin(t *testing.T, s *local.Stack, spec tencentsim.CallSpec, budget local.Cost) (call tencentsim.Call, f local.Execution) {
	t.Helper()
	var overBudget error
	for range 5 {
		var err error
		call, err = s.Tencent.PlaceCall(spec)
		require.NoError(t, err)
		f, err = local.Follow(testContext(t), s.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
		cost, err := local.CostOf(testContext(t), s.Temporal, f)
		require.NoError(t, err)
		if overBudget = cost.CheckWithin(budget); overBudget == nil {
			return call, f
		}
	}
	require.NoError(t, overBudget)
	return call, f
}

func TestHundredCallbacksAtOnce(t *testing.T) {
	sample := local.Sample{
		Name: "a hundred callbacks",
		Spec: tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, Duplicates: 99, Concurrent: true},
		Want: local.Want{Outcome: workflows.OutcomeCharged, Billed: 120, Amount: "0.24", Targets: []string{"crm", "desk"}, Duplicates: 99},
	}
	ran, others, err := shared.RunSamples(testContext(t), []local.Sample{sample})
	require.NoError(t, err)
	require.Empty(t, local.Deviations(ran, others))
}

// TestLongAfterRetention posts a callback again when neither Redis nor Temporal
// knows the call any more: the ledger does.
func TestLongAfterRetention(t *testing.T) {
	ctx := testContext(t)
	call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
	require.NoError(t, err)
	first, err := local.Follow(ctx, shared.Temporal, call)
	require.NoError(t, err)
	second := afterAllForgot(t, call, first)
	require.NoError(t, second.Err)
	require.Equal(t, workflows.OutcomeAlreadyHandled, second.Result.Outcome)
	require.Empty(t, second.Result.Deliveries)
	require.Equal(t, 1, shared.Arrivals("crm", call.Record.CallID))
}

// afterAllForgot posts a callback again after Redis and Temporal have forgotten
// the call, and follows the workflow that starts.
func afterAllForgot(t *testing.T, call tencentsim.Call, first local.Execution) local.Execution {
	t.Helper()
	ctx := testContext(t)
	require.NoError(t, shared.Forget(ctx, call))
	require.NoError(t, shared.Tencent.RepeatCallback(call.SDKAppID, call.Record.CallID, nil))
	var second local.Execution
	require.Eventually(t, func() bool {
		var err error
		second, err = local.Follow(ctx, shared.Temporal, call)
		return err == nil && second.RunID != first.RunID
	}, testTimeout, 50*time.Millisecond)
	return second
}

// TestTemporalIsDown stops Temporal while a starter runs, and starts a starter
// while Temporal is down.
func TestTemporalIsDown(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)

	require.NoError(t, stack.StopPart("temporal"))
	call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
	require.NoError(t, err)
	require.NoError(t, stack.Tencent.Wait(ctx))
	call, _ = stack.Tencent.Call(call.SDKAppID, call.Record.CallID)
	require.Equal(t, http.StatusServiceUnavailable, call.Callbacks[0].Status)
	require.Contains(t, call.Callbacks[0].Answer, "FAIL")
	require.Error(t, stack.Ready(ctx), "the starter is not ready without Temporal")

	require.NoError(t, stack.StopPart("starter"))
	require.NoError(t, stack.LaunchPart("starter", local.Service{}, nil))
	require.NoError(t, stack.StartTemporal(ctx))
	require.Eventually(t, func() bool { return stack.Ready(ctx) == nil }, testTimeout, 50*time.Millisecond)
	require.NoError(t, stack.Tencent.RepeatCallback(call.SDKAppID, call.Record.CallID, nil))
	f, err := local.Follow(ctx, stack.Temporal, call)
	require.NoError(t, err)
	require.NoError(t, f.Err)
	require.Equal(t, workflows.OutcomeCharged, f.Result.Outcome)
}

// TestWorkerStops ends a call while no worker runs and another call is in review.
func TestWorkerStops(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t)

	reviewed, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5, Record: json.RawMessage(`{"CallResult":"Vanished"}`),
	})
	require.NoError(t, err)
	waive := workflows.DecideParams{Verdict: billing.VerdictWaive, By: "night shift", Reason: "unknown"}
	invalid := waive
	invalid.By = ""
	require.ErrorContains(t, stack.Decide(ctx, reviewed, invalid), "missing: --operator NAME")
	require.NoError(t, stack.StopPart("worker"))
	call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5})
	require.NoError(t, err)
	require.NoError(t, stack.Tencent.Wait(ctx))
	require.NoError(t, stack.StartWorker(ctx))
	require.NoError(t, stack.Decide(ctx, reviewed, waive))
	decided, err := local.Follow(ctx, stack.Temporal, reviewed)
	require.NoError(t, err)
	require.NoError(t, decided.Err)
	require.Equal(t, workflows.OutcomeWaived, decided.Result.Outcome)
	require.Equal(t, 2, stack.Arrivals("crm", reviewed.Record.CallID), "call.review and call.free")
	f, err := local.Follow(ctx, stack.Temporal, call)
	require.NoError(t, err)
	require.NoError(t, f.Err)
	require.Equal(t, 1, stack.Arrivals("crm", call.Record.CallID))
}

// TestLogsHaveNoPrivateData searches the logs of starter and worker for accounts
// and secrets.
func TestLogsHaveNoPrivateData(t *testing.T) {
	_, _, err := shared.RunSamples(testContext(t), local.Samples())
	require.NoError(t, err)
	for _, service := range []string{"starter", "worker"} {
		log, err := os.ReadFile(filepath.Join(shared.Dir(), "logs", service+".log"))
		require.NoError(t, err)
		require.Contains(t, string(log), map[string]string{"starter": "call accepted", "worker": "WorkflowID"}[service])
		for _, private := range []string{"patient-", "doctor-", "nurse-", "usersig", "Sign=", "path-secret", "callback-token", "whsec_"} {
			require.NotContains(t, string(log), private)
		}
	}
}

// TestRetention makes sure that a closed workflow is kept longer than Redis remembers a call.
func TestRetention(t *testing.T) {
	namespace, err := shared.Temporal.WorkflowService().DescribeNamespace(testContext(t), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	require.NoError(t, err)
	require.Greater(t, namespace.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), dedupe.MaxWindow+dedupe.Period)
}

func TestTwoStacksDoNotShareAState(t *testing.T) {
	o, err := stackOptions(shared.Dir())
	require.NoError(t, err)
	_, err = local.Start(testContext(t), o)
	require.ErrorContains(t, err, "already running")
}

func TestTakenPort(t *testing.T) {
	o, err := stackOptions(t.TempDir())
	require.NoError(t, err)
	o.Ports.Starter = shared.Ports().Starter
	_, err = local.Start(testContext(t), o)
	require.ErrorContains(t, err, fmt.Sprintf("port %d, for the starter, is in use", o.Ports.Starter))
}
