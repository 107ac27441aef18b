package slimlist

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/workflows"
)

// schemas are the lists of servers as they ship them, with how many indexes they have:
// that of the development server that this repository builds, and a newer one.
var schemas = map[string]int{"server-1.29.1.sql": 45, "server-1.32.0.sql": 58}

// columnsOf gives the search attributes columns as the server does, in a random order.
func columnsOf(seed uint64) Columns {
	free := []string{"Keyword01", "Keyword02", "Keyword03", "Keyword04", "Keyword05", "Keyword06", "Keyword07", "Keyword08", "Keyword09", "Keyword10"}
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	columns := Columns{}
	for i, a := range workflows.SearchAttributes {
		columns[a.GetName()] = free[i]
	}
	return columns
}

// file is a file with the list of a server.
func file(t testing.TB, schema string) string {
	t.Helper()
	statements, err := os.ReadFile(filepath.Join("testdata", schema))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "temporal.db")
	exec(t, path, "PRAGMA journal_mode=WAL", string(statements))
	return path
}

func open(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func exec(t testing.TB, path string, statements ...string) {
	t.Helper()
	db := open(t, path)
	for _, s := range statements {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err, s)
	}
}

func indexNames(t *testing.T, path string) map[string]bool {
	t.Helper()
	all, err := names(t.Context(), open(t, path), "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", table)
	require.NoError(t, err)
	return all
}

// TestMake makes lists slim, and again after a server brought something back.
func TestMake(t *testing.T) {
	for schema, shipped := range schemas {
		path, columns := file(t, schema), columnsOf(7)
		stock := indexNames(t, path)
		require.Len(t, stock, shipped)
		changes, err := Make(t.Context(), path, columns)
		require.NoError(t, err)
		kept := indexNames(t, path)
		require.Len(t, kept, len(attributes())+1)
		require.Equal(t, Changes{Dropped: shipped - len(kept), Partial: 6, FullText: true}, changes)
		for name := range kept {
			require.Contains(t, stock, name, "a kept index keeps its name")
		}
		changes, err = Make(t.Context(), path, columns)
		require.NoError(t, err)
		require.False(t, changes.Any(), "nothing is left to do")

		exec(t, path, "CREATE INDEX by_task_queue ON executions_visibility (namespace_id, task_queue, run_id)")
		changes, err = Make(t.Context(), path, columns)
		require.NoError(t, err)
		require.Equal(t, Changes{Dropped: 1}, changes)
		require.Equal(t, kept, indexNames(t, path))
	}
}

// TestMakeOfANamespaceThatGetsAnAttribute has a file from before there was a CallId.
func TestMakeOfANamespaceThatGetsAnAttribute(t *testing.T) {
	path, columns := file(t, "server-1.29.1.sql"), columnsOf(7)
	before := Columns{}
	for attribute, column := range columns {
		if attribute != byCallID {
			before[attribute] = column
		}
	}
	_, err := Make(t.Context(), path, before)
	require.NoError(t, err)
	changes, err := Make(t.Context(), path, columns)
	require.NoError(t, err)
	require.Equal(t, Changes{Added: 1}, changes)
	require.Contains(t, planOf(t, open(t, path), columns, "CallId = 'x'"), columns[byCallID]+"=?")
	changes, err = Make(t.Context(), path, columns)
	require.NoError(t, err)
	require.False(t, changes.Any())
}

func TestMakeRefusesAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	_, err := Make(t.Context(), path, nil)
	require.Error(t, err)
	require.NoFileExists(t, path)
	exec(t, path, "CREATE TABLE "+table+" (namespace_id TEXT)")
	_, err = Make(t.Context(), path, nil)
	require.ErrorContains(t, err, "unknown")
}

// TestEveryQueryHasAnIndex asks SQLite how it would run each query on a slim list.
func TestEveryQueryHasAnIndex(t *testing.T) {
	for schema := range schemas {
		for seed := range uint64(5) {
			path, columns := file(t, schema), columnsOf(seed)
			_, err := Make(t.Context(), path, columns)
			require.NoError(t, err)
			db := open(t, path)
			for _, q := range Queries() {
				plan := planOf(t, db, columns, q.Filter)
				want := "INDEX " + newestFirst + " (namespace_id=?)"
				if q.By != "" {
					want = "(namespace_id=? AND " + columns.of(q.By) + "=?"
				}
				require.Contains(t, plan, want, "%s: %q does not use the index that dev/slimlist/queries.go says", q.From, q.Filter)
				require.NotContains(t, plan, "SCAN")
				require.NotContains(t, plan, "TEMP B-TREE", "a page must not need all that is found")
				require.NotEqual(t, q.By == "", q.Bound == "", "%s: %q has either an index or a bound", q.From, q.Filter)
			}
		}
	}
}

// TestStockListReadsEverything says why a slim list also reads less: to every filter the
// server adds that a workflow is in no division, and SQLite takes the index of that.
func TestStockListReadsEverything(t *testing.T) {
	db := open(t, file(t, "server-1.29.1.sql"))
	for _, filter := range []string{"WorkflowType = 'Sweep'", `TemporalScheduledById="sweep:1400000000"`, `RootWorkflowId = "a" AND RootRunId = "b"`} {
		require.Contains(t, planOf(t, db, columnsOf(7), filter), "INDEX by_temporal_namespace_division (namespace_id=? AND TemporalNamespaceDivision=?)")
	}
}

func planOf(t *testing.T, db *sql.DB, columns Columns, filter string) string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+selectOf(columns, filter), "namespace", 100)
	require.NoError(t, err, filter)
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return strings.Join(steps, "; ")
}
