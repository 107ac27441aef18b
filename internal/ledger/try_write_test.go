package ledger_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

// testTryWrite tries a write through a ledger that is open for writing, and one that
// is open for reading. Neither leaves anything.
func testTryWrite(t *testing.T, url string) {
	l := open(t, url)
	require.NoError(t, l.TryWrite(t.Context()))
	read, err := ledger.OpenReadOnly(t.Context(), url)
	require.NoError(t, err)
	defer read.Close()
	require.NoError(t, read.TryWrite(t.Context()))
	var rows int
	require.NoError(t, openSQL(t, url).QueryRowContext(t.Context(), "SELECT count(*) FROM ledger_tariffs").Scan(&rows))
	require.Zero(t, rows)
	charge(t, l, entry(t, "call-1", "run-1", "0.05")) // nothing is locked
}

// TestTryWriteReadOnlyPostgres tries a write after a failover to a server that only
// answers queries.
func TestTryWriteReadOnlyPostgres(t *testing.T) {
	url, ok := testEngines[1].create(t)
	if !ok {
		return
	}
	l := open(t, url)
	_, err := openSQL(t, url).ExecContext(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	require.NoError(t, err)
	require.NoError(t, l.Ping(t.Context()), "queries are answered")
	err = l.TryWrite(t.Context())
	require.Error(t, err)
	problem, cure := ledger.Describe(err)
	require.Equal(t, "the database is read-only", problem)
	require.Contains(t, cure, "primary")
}

const fullDisk = "AFTERCALL_TEST_FULL_DISK"

// TestTryWriteFullDisk runs itself with a limit on the size of files, which is what
// a full disk is to SQLite.
func TestTryWriteFullDisk(t *testing.T) {
	if path := os.Getenv(fullDisk); path != "" {
		l, err := ledger.OpenReadOnly(t.Context(), "sqlite:"+path)
		require.NoError(t, err)
		defer l.Close()
		require.NoError(t, l.Ping(t.Context()), "queries are answered")
		err = l.TryWrite(t.Context())
		require.Error(t, err)
		problem, cure := ledger.Describe(err)
		require.Equal(t, "the disk of the database is full", problem)
		require.Contains(t, cure, "space")
		return
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	open(t, "sqlite:"+path)
	run := exec.Command("sh", "-c", `ulimit -f 100; exec "$0" -test.run '^TestTryWriteFullDisk$' -test.v`, os.Args[0])
	run.Env = append(os.Environ(), fullDisk+"="+path)
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestTryWriteFullDisk", strings.TrimSpace(string(out)))
}

func TestFreeBytes(t *testing.T) {
	url, _ := createSQLite(t)
	free, known := open(t, url).FreeBytes()
	require.True(t, known)
	require.Positive(t, free)
}

// TestTryWriteLocked tries a write while a shell keeps a transaction open.
func TestTryWriteLocked(t *testing.T) {
	for i, lock := range []string{"BEGIN IMMEDIATE", "BEGIN; LOCK TABLE ledger_entries IN ACCESS EXCLUSIVE MODE"} {
		engine := testEngines[i]
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url, ok := engine.create(t)
			if !ok {
				return
			}
			l := open(t, url)
			db := openSQL(t, url)
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(t.Context(), lock)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // as check has
			defer cancel()
			problem, cure := ledger.Describe(l.TryWrite(ctx))
			require.Equal(t, "the database is locked", problem)
			require.Contains(t, cure, "shell")
			_, err = db.ExecContext(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, l.TryWrite(t.Context()))
		})
	}
}
