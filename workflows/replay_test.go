package workflows_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/workflows"
)

// TestReplay replays histories that committed code has recorded (make
// replay-record), at least one for each registered workflow type. A failure
// means that running workflows would break: keep the old path behind
// workflow.GetVersion.
func TestReplay(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	// A busy machine is no deadlock.
	workflowReplayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
	require.NoError(t, err)
	r := replayer{workflowReplayer, map[string]bool{}}
	workflows.Register(r, workflows.Dependencies{})
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			recorded := readHistory(t, path)
			delete(r.unrecorded, recorded.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName())
			require.NoError(t, r.ReplayWorkflowHistory(nil, recorded))
		})
	}
	require.Empty(t, slices.Sorted(maps.Keys(r.unrecorded)), "workflow types without a golden history: add them to dev/histories.go and run make replay-record")
}

// TestNoDeliveryIsCancelled: a child is cancelled together with its context, also one
// that is to survive the workflow. What earlier releases recorded is replayed all the same.
func TestNoDeliveryIsCancelled(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	children := 0
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "before-") {
			continue
		}
		for _, event := range readHistory(t, path).GetEvents() {
			require.NotEqual(t, enumspb.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED, event.GetEventType(), "event %d in %s", event.GetEventId(), path)
			if event.GetEventType() == enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED {
				children++
			}
		}
	}
	require.Positive(t, children)
}

// replayer is a workflows.Registry that replays. It executes no activity.
type replayer struct {
	worker.WorkflowReplayer
	// unrecorded are the registered workflow types without a history.
	unrecorded map[string]bool
}

func (r replayer) RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions) {
	r.unrecorded[options.Name] = true
	r.WorkflowReplayer.RegisterWorkflowWithOptions(w, options)
}

func (replayer) RegisterActivityWithOptions(any, activity.RegisterOptions) {}

func readHistory(t *testing.T, path string) *history.History {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var recorded history.History
	require.NoError(t, temporalproto.CustomJSONUnmarshalOptions{}.Unmarshal(data, &recorded))
	require.NotEmpty(t, recorded.GetEvents())
	return &recorded
}
