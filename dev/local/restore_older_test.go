package local_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/ledger"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/released"
)

// TestBackupsOfEarlierLedgers puts the copy of a ledger that an earlier release wrote
// back with the commands of docs/ledger.md. What was booked since is gone, and can be
// booked again.
func TestBackupsOfEarlierLedgers(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "aftercall"), ".")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, version := range released.Versions {
		t.Run(version+" in SQLite", func(t *testing.T) {
			t.Parallel()
			testBackup(t, "SQLite", version, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), bin)
		})
		t.Run(version+" in PostgreSQL", func(t *testing.T) {
			t.Parallel()
			if url, ok := testenv.Postgres(t); ok {
				testBackup(t, "PostgreSQL", version, url, bin)
			}
		})
	}
}

func testBackup(t *testing.T, engine, version, url, bin string) {
	t.Helper()
	released.Ledger(t, url, version)
	folder, environ := t.TempDir(), map[string]string{"LEDGER_URL": url}
	run := func(name string) {
		require.NoError(t, local.Drill(t.Context(), root, environ, bin, folder, name))
	}
	read := func() (entries []ledger.Entry) {
		store, err := ledger.OpenReadOnly(t.Context(), url)
		require.NoError(t, err)
		defer store.Close()
		for entry, err := range store.List(t.Context(), ledger.Filter{}) {
			require.NoError(t, err)
			entries = append(entries, entry)
		}
		return entries
	}
	reverse := func() {
		store, err := ledger.Open(t.Context(), url, ledger.Options{})
		require.NoError(t, err)
		defer store.Close()
		_, inserted, err := store.Reverse(t.Context(), "charge:1400000000:call-3", ledger.Correction{Operator: "alice", Reason: "a test"})
		require.NoError(t, err)
		require.True(t, inserted)
	}
	store, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err, "it is migrated")
	require.NoError(t, store.Close())
	before := read()
	run("back up " + engine)
	reverse()
	require.Len(t, read(), len(before)+1)
	run("put back " + engine)
	require.Equal(t, before, read())
	reverse()
	require.Len(t, read(), len(before)+1, "it is a ledger like any other")
}
