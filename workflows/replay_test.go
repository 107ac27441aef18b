package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"aftercall/workflows"
)

// TestReplay replays histories that committed code has made (make
// replay-record). A failure means that calls under way would break: keep the
// old path behind workflow.GetVersion.
func TestReplay(t *testing.T) {
	histories, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories, "no golden histories: run make replay-record")
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			r := worker.NewWorkflowReplayer()
			r.RegisterWorkflowWithOptions(workflows.AfterCall, workflow.RegisterOptions{Name: workflows.AfterCallName})
			r.RegisterWorkflowWithOptions(workflows.Deliver, workflow.RegisterOptions{Name: workflows.DeliverName})
			r.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: workflows.ReconcileName})
			require.NoError(t, r.ReplayWorkflowHistoryFromJSONFile(nil, history))
		})
	}
}
