package ledger_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

// TestSQLiteReadOnlyChangesNoByte reads ledgers as each read-only command does: a
// closed one, one that is being written, and a copy by VACUUM INTO, which is not in
// WAL mode.
func TestSQLiteReadOnlyChangesNoByte(t *testing.T) {
	for _, readableFolder := range []bool{false, true} {
		for name, path := range someLedgers(t) {
			before := sumOf(t, path)
			if readableFolder {
				asReader(t, path, func() { readAll(t, path) })
			} else {
				readAll(t, path)
			}
			require.Equal(t, before, sumOf(t, path), name)
		}
	}
}

// TestSQLiteReadOnlySaysWhatItCannotRead: the newest entries are in the log, which
// cannot be read in a folder that cannot be written to. They must not be left out.
func TestSQLiteReadOnlySaysWhatItCannotRead(t *testing.T) {
	path := someLedgers(t)["being written"]
	copied := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(copied)), 0o755))
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied+suffix, content, 0o644))
	}
	asReader(t, copied, func() {
		_, err := ledger.OpenReadOnly(context.Background(), "sqlite:"+copied)
		require.ErrorContains(t, err, "copy both files into such a folder")
	})
}

// someLedgers are files with two entries each.
func someLedgers(t *testing.T) map[string]string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(folder), 0o755))
	paths := map[string]string{}
	fill := func(name string) *ledger.Ledger {
		path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-"), "ledger.db")
		require.NoError(t, os.Mkdir(filepath.Dir(path), 0o755))
		l, err := ledger.Open(context.Background(), "sqlite:"+path, ledger.Options{})
		require.NoError(t, err)
		charge(t, l, entry(t, "call-1", "run-1", "0.05"))
		charge(t, l, entry(t, "call-2", "run-2", "0.05"))
		paths[name] = path
		return l
	}
	require.NoError(t, fill("closed").Close())
	source := fill("being written")
	t.Cleanup(func() { require.NoError(t, source.Close()) })
	copied := filepath.Join(folder, "copy", "ledger.db")
	require.NoError(t, os.Mkdir(filepath.Dir(copied), 0o755))
	execute(t, openSQL(t, "sqlite://"+paths["being written"]), "VACUUM INTO '"+copied+"'")
	paths["copy"] = copied
	return paths
}

// readAll does what the commands show, list, report, export and verify do.
func readAll(t *testing.T, path string) {
	t.Helper()
	ctx := context.Background()
	l, err := ledger.OpenReadOnly(ctx, "sqlite:"+path)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	entries, err := l.Get(ctx, testApp, "call-2")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	n := 0
	for _, err := range l.List(ctx, ledger.Filter{}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 2, n)
	requireClean(t, l)
}

// asReader runs f as a user who can read the file and its neighbors, and change
// nothing of its folder.
func asReader(t *testing.T, path string, f func()) {
	t.Helper()
	folder := filepath.Dir(path)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for _, file := range files {
		require.NoError(t, os.Chmod(file, 0o444))
	}
	require.NoError(t, os.Chmod(folder, 0o555))
	t.Cleanup(func() { require.NoError(t, os.Chmod(folder, 0o755)) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Getuid() == 0 {
			// The rights of root are of this thread only, and it ends with the goroutine.
			runtime.LockOSThread()
			if err := syscall.Setfsuid(65534); err != nil {
				t.Error(err)
				return
			}
		}
		if _, err := os.Create(filepath.Join(folder, "new")); !os.IsPermission(err) {
			t.Error("the folder must not be writable:", err)
			return
		}
		f()
	}()
	<-done
}

func sumOf(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return sha256.Sum256(content)
}
