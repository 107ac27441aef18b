package local_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/temporalclient"
	"aftercall/internal/testenv"
	worker "aftercall/worker/service"
)

const deploymentName = "aftercall"

// TestClusterRollsWorkerVersions moves from workers without versions to one version of a
// Worker Deployment, then to another one and back, while calls come in and others wait
// for their record. Every call ends, charged once; no workflow task fails, and what
// waits moves with the current version.
func TestClusterRollsWorkerVersions(t *testing.T) {
	stack, ok := startCluster(t)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout)
	defer cancel()
	load := startLoad(ctx, t, stack, 100*time.Millisecond)

	thisCode := local.Service{Run: worker.Run}
	launchVersion(t, stack, "1", thisCode, nil)
	makeCurrent(ctx, t, stack, "1")
	require.NoError(t, stack.StopPart("worker"))
	require.NoError(t, stack.StopPart("worker-2"))
	load.awaitHandledBy(ctx, t, "1")

	launchVersion(t, stack, "2", thisCode, nil)
	ramp(ctx, t, stack, "2", 50)
	load.awaitHandledBy(ctx, t, "2")
	makeCurrent(ctx, t, stack, "2")
	waiting := load.place(t, 40)
	load.awaitHandledBy(ctx, t, "2")

	makeCurrent(ctx, t, stack, "1")
	require.NoError(t, stack.StopPart("worker of version 2"))
	load.awaitHandledBy(ctx, t, "1")
	workers, err := temporalclient.Workers(ctx, stack.Temporal, "aftercall", time.Minute, time.Now())
	require.NoError(t, err)
	require.Positive(t, workers, "commands see the workers of a version")
	calls := load.stop(t)

	requireChargedOnce(ctx, t, stack, calls)
	for _, call := range calls {
		versions, failed, err := workflowTasks(ctx, stack, call)
		require.NoError(t, err, call.Record.CallID)
		require.NotEmpty(t, versions, "call %s has no workflow task", call.Record.CallID)
		require.Empty(t, failed, call.Record.CallID)
		if call.Record.CallID == waiting.Record.CallID {
			require.Equal(t, "1", versions[len(versions)-1], "it began with version 2, and ended after the way back")
		}
	}
	all, err := everyWorkflow(ctx, stack, "")
	require.NoError(t, err)
	for _, w := range all {
		require.Empty(t, w.failed, w.id)
	}
}

// launchVersion starts a worker as a version of the deployment.
func launchVersion(t *testing.T, stack *local.Stack, build string, code local.Service, more map[string]string) {
	t.Helper()
	environ := map[string]string{"AFTERCALL_DEPLOYMENT": deploymentName, "AFTERCALL_BUILD_ID": build}
	maps.Copy(environ, more)
	require.NoError(t, stack.Launch("worker of version "+build, code, testenv.FreePort(t), environ))
}

// makeCurrent makes a version current once Temporal knows its worker.
func makeCurrent(ctx context.Context, t *testing.T, stack *local.Stack, build string) {
	t.Helper()
	eventuallyDone(ctx, t, func() error {
		_, err := stack.Temporal.WorkerDeploymentClient().GetHandle(deploymentName).SetCurrentVersion(ctx,
			client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		return err
	})
}

// ramp gives a version a share of the workflow tasks.
func ramp(ctx context.Context, t *testing.T, stack *local.Stack, build string, percent float32) {
	t.Helper()
	eventuallyDone(ctx, t, func() error {
		_, err := stack.Temporal.WorkerDeploymentClient().GetHandle(deploymentName).SetRampingVersion(ctx,
			client.WorkerDeploymentSetRampingVersionOptions{BuildID: build, Percentage: percent})
		return err
	})
}

func eventuallyDone(ctx context.Context, t *testing.T, try func() error) {
	t.Helper()
	var err error
	require.Eventually(t, func() bool {
		err = try()
		return err == nil || ctx.Err() != nil
	}, testTimeout, pollInterval)
	require.NoError(t, err)
}

// load places calls all the time.
type load struct {
	stack *local.Stack
	end   context.CancelFunc
	done  sync.WaitGroup

	mu    sync.Mutex
	calls []tencentsim.Call
	err   error
}

func startLoad(ctx context.Context, t *testing.T, stack *local.Stack, every time.Duration) *load {
	t.Helper()
	l := &load{stack: stack}
	ctx, l.end = context.WithCancel(ctx)
	l.done.Go(func() {
		for ticker := time.NewTicker(every); l.err == nil; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_, l.err = l.add(0)
			}
		}
	})
	t.Cleanup(func() { l.end(); l.done.Wait() })
	return l
}

// add places a call that has its record so many seconds after its end, or as usual.
func (l *load) add(recordAfter int64) (tencentsim.Call, error) {
	call, err := l.stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, RecordAfterSeconds: recordAfter})
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, call)
	}
	return call, err
}

func (l *load) place(t *testing.T, recordAfter int64) tencentsim.Call {
	t.Helper()
	call, err := l.add(recordAfter)
	require.NoError(t, err)
	return call
}

// awaitHandledBy waits until a call that is placed from now on is handled by a version.
func (l *load) awaitHandledBy(ctx context.Context, t *testing.T, build string) {
	t.Helper()
	l.mu.Lock()
	next := len(l.calls)
	l.mu.Unlock()
	var failure error
	handled := assert.Eventually(t, func() bool {
		l.mu.Lock()
		later := l.calls[next:]
		l.mu.Unlock()
		return slices.ContainsFunc(later, func(call tencentsim.Call) bool {
			versions, _, err := workflowTasks(ctx, l.stack, call)
			if errors.As(err, new(*serviceerror.NotFound)) {
				err = nil // it has not begun
			}
			failure = errors.Join(failure, err)
			return failure != nil || slices.Contains(versions, build)
		})
	}, testTimeout, pollInterval, "no call is handled by version %s", build)
	require.NoError(t, failure)
	require.True(t, handled)
}

// stop ends the load and returns all calls.
func (l *load) stop(t *testing.T) []tencentsim.Call {
	t.Helper()
	l.end()
	l.done.Wait()
	require.NoError(t, l.err)
	return l.calls
}

// workflowTasks are the versions that completed the workflow tasks of a call, and why
// others have failed.
func workflowTasks(ctx context.Context, stack *local.Stack, call tencentsim.Call) (versions, failed []string, err error) {
	w := ranWorkflow{id: local.WorkflowID(call)}
	err = w.read(ctx, stack, "")
	return w.versions, w.failed, err
}

// ranWorkflow is a workflow with its history.
type ranWorkflow struct {
	kind, id string
	closed   bool
	history  historypb.History
	// versions completed its workflow tasks, and failed is why others have failed. A task
	// that timed out with its worker is none that failed, and that something has arrived
	// while a task was completed is no failure.
	versions, failed []string
}

func (w *ranWorkflow) read(ctx context.Context, stack *local.Stack, run string) error {
	events := stack.Temporal.GetWorkflowHistory(ctx, w.id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		w.history.Events = append(w.history.Events, event)
		if completed := event.GetWorkflowTaskCompletedEventAttributes(); completed != nil {
			w.versions = append(w.versions, completed.GetDeploymentVersion().GetBuildId())
		}
		if task := event.GetWorkflowTaskFailedEventAttributes(); task != nil && task.GetCause() != enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND {
			w.failed = append(w.failed, task.GetCause().String()+": "+task.GetFailure().GetMessage())
		}
	}
	return nil
}

// everyWorkflow are the workflows of every kind, or those that match a query.
func everyWorkflow(ctx context.Context, stack *local.Stack, query string) (all []*ranWorkflow, err error) {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query}
	for {
		list, err := stack.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, info := range list.GetExecutions() {
			w := &ranWorkflow{
				kind: info.GetType().GetName(), id: info.GetExecution().GetWorkflowId(), closed: info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
			}
			if err := w.read(ctx, stack, info.GetExecution().GetRunId()); err != nil {
				return nil, err
			}
			all = append(all, w)
		}
		if request.NextPageToken = list.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return all, nil
		}
	}
}
