package local_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"

	planting "aftercall/dev/faults/planted"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/audit"
	"aftercall/internal/tencent"
	worker "aftercall/worker/service"
	"aftercall/workflows"
)

// everyKind are the types of workflows that are started.
var everyKind = []string{
	workflows.AfterCallName, workflows.AuditName, workflows.DeliverName, workflows.FoldReviewsName, workflows.RelayCallbackName, workflows.SweepName,
}

// TestClusterTriesALaterRelease moves workers to a later release and back while calls come
// in and wait. The workflows of the release have other commands, so that this code cannot
// replay what it has begun. It is on trial, and keeps what it has taken: no workflow task
// fails, of no kind of workflow.
func TestClusterTriesALaterRelease(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(backend.Close)
	stack, ok := startCluster(
		t, "    tariff: consultation\n", "    tariff: consultation\n    record_deadline: 2s\n    relay: {url: \""+backend.URL+"\", allow_private: true}\n",
		"    tariff: lessons\n", "    tariff: lessons\n    record_deadline: 2s\n",
	)
	if !ok {
		return
	}
	later := local.Service{Program: buildLater(t), Args: []string{"worker"}}
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout)
	defer cancel()
	load := startLoad(ctx, t, stack, 500*time.Millisecond)

	launchVersion(t, stack, "1", local.Service{Run: worker.Run}, nil)
	makeCurrent(ctx, t, stack, "1")
	require.NoError(t, stack.StopPart("worker"))
	require.NoError(t, stack.StopPart("worker-2"))
	load.awaitHandledBy(ctx, t, "1")
	inReview := placeReviews(ctx, t, stack, 1400000000)
	load.resendOne(ctx, t)
	auditOne(ctx, t, stack)
	awaitKinds(ctx, t, stack, "1")

	launchVersion(t, stack, "2", later, map[string]string{"AFTERCALL_PIN_WORKFLOWS": "true"})
	ramp(ctx, t, stack, "2", 50)
	load.awaitHandledBy(ctx, t, "2")
	makeCurrent(ctx, t, stack, "2")
	load.awaitHandledBy(ctx, t, "2")
	decideReviews(ctx, t, stack, inReview)
	inReview = placeReviews(ctx, t, stack, 1400000001)
	load.resendOne(ctx, t)
	auditOne(ctx, t, stack)
	awaitKinds(ctx, t, stack, "2")

	makeCurrent(ctx, t, stack, "1")
	load.awaitHandledBy(ctx, t, "1")
	decideReviews(ctx, t, stack, inReview) // by the later release, which has taken them
	decideReviews(ctx, t, stack, placeReviews(ctx, t, stack, 1400000000))
	load.resendOne(ctx, t)
	auditOne(ctx, t, stack)
	calls := load.stop(t)

	requireChargedOnce(ctx, t, stack, calls)
	for _, call := range inReview {
		versions, _, err := workflowTasks(ctx, stack, call)
		require.NoError(t, err)
		require.Equal(t, "2", versions[len(versions)-1], "it was decided after the way back")
	}
	all, err := everyWorkflow(ctx, stack, "")
	require.NoError(t, err)
	moved := 0
	for _, w := range all {
		require.Empty(t, w.failed, w.id)
		if taken := slices.Index(w.versions, "2"); taken >= 0 {
			require.NotContains(t, w.versions[taken:], "1", "%s was taken by version 2", w.id)
			if taken > 0 {
				moved++
			}
		}
	}
	require.Positive(t, moved, "what version 1 had begun goes on with version 2")
	requireOtherCommands(t, all)
}

// buildLater builds a later release.
func buildLater(t *testing.T) (program string) {
	t.Helper()
	source, err := filepath.Abs(root)
	require.NoError(t, err)
	overlay, err := planting.OverlayOfLater(source, t.TempDir())
	require.NoError(t, err)
	program = filepath.Join(t.TempDir(), "aftercall")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", program, ".")
	build.Dir = source
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// placeReviews lets calls end that have no record, until a person must decide about them.
func placeReviews(ctx context.Context, t *testing.T, stack *local.Stack, app tencent.SDKAppID) (calls []tencentsim.Call) {
	t.Helper()
	for range 3 {
		call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: app, Seconds: 61, RecordAfterSeconds: 366 * 24 * 3600})
		require.NoError(t, err)
		calls = append(calls, call)
	}
	for _, call := range calls {
		require.NoError(t, stack.AwaitReview(ctx, call))
	}
	return calls
}

func decideReviews(ctx context.Context, t *testing.T, stack *local.Stack, calls []tencentsim.Call) {
	t.Helper()
	for _, call := range calls {
		decided := stack.Command(ctx, "review", "decide", call.Record.CallID, "--verdict", "waive", "--operator", "alice", "--reason", "no record")
		require.NoError(t, decided.Err())
		f, err := local.Follow(ctx, stack.Temporal, call)
		require.NoError(t, err)
		require.NoError(t, f.Err)
	}
}

// resendOne resends the notifications of a call that is charged.
func (l *load) resendOne(ctx context.Context, t *testing.T) {
	t.Helper()
	call := l.place(t, 0)
	f, err := local.Follow(ctx, l.stack.Temporal, call)
	require.NoError(t, err)
	require.NoError(t, f.Err)
	_, err = l.stack.Resend(ctx, call.Record.CallID)
	require.NoError(t, err)
}

// auditOne audits the rooms of the last hour, which its schedule does once an hour.
func auditOne(ctx context.Context, t *testing.T, stack *local.Stack) {
	t.Helper()
	to := time.Now().Add(-audit.Settle).Truncate(time.Second).UTC()
	run, err := stack.Temporal.ExecuteWorkflow(
		ctx, client.StartWorkflowOptions{TaskQueue: "aftercall"},
		workflows.AuditName, workflows.AuditParams{SDKAppID: 1400000002, App: "seminar", From: to.Add(-workflows.AuditEvery), To: to},
	)
	require.NoError(t, err)
	require.NoError(t, run.Get(ctx, nil))
}

// awaitKinds waits until a version has run a workflow of every kind. A sweep runs every
// minute.
func awaitKinds(ctx context.Context, t *testing.T, stack *local.Stack, build string) {
	t.Helper()
	for _, kind := range everyKind {
		require.Eventually(t, func() bool {
			all, err := everyWorkflow(ctx, stack, "WorkflowType = '"+kind+"'")
			return err == nil && slices.ContainsFunc(all, func(w *ranWorkflow) bool { return w.ranBy() == build })
		}, testTimeout, time.Second, "%s has run no %s", build, kind)
	}
}

// ranBy is the version that has run all of a workflow; empty if none has.
func (w *ranWorkflow) ranBy() string {
	ended := w.closed || w.kind == workflows.FoldReviewsName // which counts for ten minutes
	if versions := slices.Compact(slices.Clone(w.versions)); ended && len(versions) == 1 {
		return versions[0]
	}
	return ""
}

// replays is a workflows.Registry that replays.
type replays struct{ sdkworker.WorkflowReplayer }

func (replays) RegisterActivityWithOptions(any, activity.RegisterOptions) {}

// requireOtherCommands requires that this code replays what it has done itself, and cannot
// replay what the later release has begun.
func requireOtherCommands(t *testing.T, all []*ranWorkflow) {
	t.Helper()
	replayed := map[string]map[string]bool{"1": {}, "2": {}}
	for _, w := range all {
		version := w.ranBy()
		kinds := replayed[version]
		if kinds == nil || kinds[w.kind] {
			continue
		}
		replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
		require.NoError(t, err)
		workflows.Register(replays{replayer}, workflows.Dependencies{})
		err = replayer.ReplayWorkflowHistory(nil, &w.history)
		require.Equal(t, version == "2", err != nil, "%s of version %s: %v", w.id, version, err)
		kinds[w.kind] = true
	}
	require.Len(t, replayed["2"], len(everyKind), "this code cannot replay any kind of workflow of version 2")
	require.Contains(t, replayed["1"], workflows.AfterCallName)
}
