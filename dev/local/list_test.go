package local_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	_ "modernc.org/sqlite" // the database/sql driver sqlite

	"aftercall/dev/local"
	"aftercall/dev/slimlist"
	"aftercall/internal/testenv"
)

// TestListIsSlim asks a real server every query, in a list that was made slim.
func TestListIsSlim(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	for _, q := range slimlist.Queries() {
		_, err := shared.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: q.Filter, PageSize: 10})
		require.NoError(t, err, "%s: %s", q.From, q.Filter)
		_, err = shared.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: q.Filter})
		require.NoError(t, err, "%s: %s", q.From, q.Filter)
	}
	_, err := shared.Temporal.WorkflowService().ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: "default", Query: "BuildIds = 'unversioned'",
	})
	require.ErrorContains(t, err, "no such table", "it fails, instead of finding nothing")
}

// TestListIsMadeSlimAgain has a server that brings an index back.
func TestListIsMadeSlimAgain(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	var logs testenv.Log
	stack := startStack(t, func(o *local.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	const line = "the list of workflows had more indexes than queries use"
	require.NotContains(t, logs.String(), line, "a new file has all, which is no news")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(stack.Dir(), "temporal.db")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	indexes := func() (n int) {
		const count = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'executions_visibility'"
		require.NoError(t, db.QueryRowContext(ctx, count).Scan(&n))
		return n
	}
	slim := indexes()
	require.Less(t, slim, 15)
	require.NoError(t, stack.StopPart("temporal"))
	_, err = db.ExecContext(ctx, "CREATE INDEX by_task_queue ON executions_visibility (namespace_id, task_queue, run_id)")
	require.NoError(t, err)
	require.Equal(t, slim+1, indexes())

	require.NoError(t, stack.StartTemporal(ctx))
	require.Equal(t, slim, indexes())
	require.Contains(t, logs.String(), line)
	require.Contains(t, logs.String(), "dropped=1")
}

// TestStockList: a stack may leave the list as the server makes it.
func TestStockList(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t, func(o *local.Options) { o.StockList = true })
	_, err := stack.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "BuildIds = 'unversioned'"})
	require.NoError(t, err)
}
