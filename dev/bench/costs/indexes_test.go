package costs

import (
	"database/sql"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/bench/harness"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/programs"
)

// list is the shape of Temporal's list of workflows, with some of its indexes.
const list = `
CREATE EXTENSION btree_gin;
CREATE TABLE executions_visibility (
  namespace_id char(64) NOT NULL, run_id char(64) NOT NULL, start_time timestamp NOT NULL, close_time timestamp,
  status int NOT NULL, workflow_id text NOT NULL, Keyword01 text, BuildIds jsonb, PRIMARY KEY (namespace_id, run_id));
CREATE INDEX default_idx ON executions_visibility (namespace_id, (COALESCE(close_time, '9999-12-31')) DESC, start_time DESC, run_id);
CREATE INDEX by_status ON executions_visibility (namespace_id, status, (COALESCE(close_time, '9999-12-31')) DESC, start_time DESC, run_id);
CREATE INDEX by_keyword_01 ON executions_visibility (namespace_id, Keyword01, (COALESCE(close_time, '9999-12-31')) DESC, start_time DESC, run_id);
CREATE INDEX by_build_ids ON executions_visibility USING GIN (namespace_id, BuildIds jsonb_path_ops);`

// TestIndexes makes indexes partial, twice, and then drops them.
func TestIndexes(t *testing.T) {
	dir, err := os.MkdirTemp("", "aftercall-costs-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // PostgreSQL does not run as root
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	servers, err := harness.StartServers(t.Context(), dir)
	if errors.As(err, new(*programs.MissingError)) && os.Getenv(testenv.RequireVariable) == "" {
		t.Log(err)
		return
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Stop()) })
	url, err := servers.NewDatabase(t.Context(), "visibility")
	require.NoError(t, err)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), list)
	require.NoError(t, err)
	s := stores{visibility: db, postgres: true}

	indexes := func() map[string]string {
		rows, err := db.QueryContext(t.Context(), `SELECT indexrelid::regclass, coalesce(pg_get_expr(indpred, indrelid), '')
			FROM pg_index WHERE indrelid = 'executions_visibility'::regclass`)
		require.NoError(t, err)
		defer rows.Close()
		found := map[string]string{}
		for rows.Next() {
			var name, predicate string
			require.NoError(t, rows.Scan(&name, &predicate))
			found[name] = predicate
		}
		require.NoError(t, rows.Err())
		return found
	}
	partial := map[string]string{
		"executions_visibility_pkey": "", "default_idx": "", "by_status": "",
		"by_keyword_01": "(keyword01 IS NOT NULL)", "by_build_ids": "(buildids IS NOT NULL)",
	}
	for range 2 {
		require.NoError(t, s.useIndexes(t.Context(), Partial))
		require.Equal(t, partial, indexes())
	}
	var plan string
	_, err = db.ExecContext(t.Context(), "INSERT INTO executions_visibility SELECT 'n', i::text, now(), now(), 1, i::text, 'k' || i FROM generate_series(1, 5000) i; ANALYZE executions_visibility")
	require.NoError(t, err)
	require.NoError(t, db.QueryRowContext(t.Context(), "EXPLAIN SELECT 1 FROM executions_visibility WHERE namespace_id = 'n' AND Keyword01 = 'k7'").Scan(&plan))
	require.Contains(t, plan, "by_keyword_01", "the partial index is used")

	require.NoError(t, s.useIndexes(t.Context(), Dropped))
	require.Equal(t, map[string]string{"executions_visibility_pkey": "", "default_idx": "", "by_status": ""}, indexes())
	require.Error(t, stores{}.useIndexes(t.Context(), Partial), "SQLite has shipped or slim indexes")
	require.Error(t, s.useIndexes(t.Context(), Slim), "the stack makes only the development server's list slim")
	require.NoError(t, stores{}.useIndexes(t.Context(), Slim))
}
