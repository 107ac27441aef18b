package ledger_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

// walLimit is what the write-ahead log may grow to under steady charging: SQLite
// folds it back at 4 MB, and is a transaction or two late.
const walLimit = 6 << 20

// TestSQLiteFoldsItsLogBack: an INSERT … RETURNING of which only the first row is
// read commits, but never gives SQLite the moment in which it folds its log back.
func TestSQLiteFoldsItsLogBack(t *testing.T) {
	url := "sqlite://" + t.TempDir() + "/ledger.db"
	l := open(t, url)
	for i := range 400 {
		charge(t, l, entry(t, fmt.Sprintf("call-%d", i), "run-1", "0.05"))
		require.Less(t, walSize(t, url), int64(walLimit), "after %d charges", i+1)
	}
}

// TestSQLiteLogShrinksAfterALongRead: a long read keeps the log from being folded
// back, and it must not stay as large on the disk as it became then.
func TestSQLiteLogShrinksAfterALongRead(t *testing.T) {
	url := "sqlite://" + t.TempDir() + "/ledger.db"
	l := open(t, url)
	charge(t, l, entry(t, "first", "run-1", "0.05"))
	for _, err := range l.List(context.Background(), ledger.Filter{}) {
		require.NoError(t, err)
		for i := range 400 {
			charge(t, l, entry(t, fmt.Sprintf("call-%d", i), "run-1", "0.05"))
		}
		break
	}
	require.Greater(t, walSize(t, url), int64(walLimit))
	for i := range 10 {
		charge(t, l, entry(t, fmt.Sprintf("later-%d", i), "run-1", "0.05"))
	}
	require.Less(t, walSize(t, url), int64(walLimit))
}

// TestSQLiteStopEmptiesItsLog: after a clean stop the file alone is the ledger, also
// while another process has it open.
func TestSQLiteStopEmptiesItsLog(t *testing.T) {
	url := "sqlite://" + t.TempDir() + "/ledger.db"
	l, err := ledger.Open(context.Background(), url, ledger.Options{})
	require.NoError(t, err)
	reader, err := ledger.OpenReadOnly(context.Background(), url)
	require.NoError(t, err)
	defer reader.Close()
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	require.Positive(t, walSize(t, url))
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "twice is as good as once")
	require.Zero(t, walSize(t, url))
	entries, err := reader.Get(context.Background(), testApp, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// walSize is the size of the write-ahead log; 0 if there is none.
func walSize(t *testing.T, url string) int64 {
	t.Helper()
	info, err := os.Stat(strings.TrimPrefix(url, "sqlite://") + "-wal")
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(t, err)
	return info.Size()
}
