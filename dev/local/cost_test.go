package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
)

// golden returns a golden history.
func golden(t *testing.T, name string) *historypb.History {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "workflows", "testdata", name+".json"))
	require.NoError(t, err)
	defer file.Close()
	history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history
}

// TestActions counts the actions of ordinary calls, of a call that is charged by
// participant minutes after a timer, and of a call whose record came late: two more
// workflow tasks, a timer, an activity.
func TestActions(t *testing.T) {
	for name, want := range map[string]int64{"audio-61-s": 2, "group-of-4-signed-in-yen": 2, "not-answered": 2, "group-of-3-one-leaves-half-way": 4} {
		require.Equal(t, want, local.Actions(golden(t, name).GetEvents()), name)
	}
	late := golden(t, "record-comes-late").GetEvents()
	require.Greater(t, local.Actions(late), local.Budget.Actions)
}

func TestBudgetCanBeExceeded(t *testing.T) {
	require.NoError(t, local.Budget.CheckWithin(local.Budget))
	for _, cost := range []local.Cost{
		{Events: local.Budget.Events + 1}, {Transitions: local.Budget.Transitions + 1}, {Actions: local.Budget.Actions + 1},
	} {
		require.ErrorContains(t, cost.CheckWithin(local.Budget), "its budget is 9, 4 and 2")
	}
}
