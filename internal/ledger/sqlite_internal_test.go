package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func init() { busyTimeout = 12 * defaultBusyTimeout }

// TestCloseOnASlowDisk: the log is emptied at the end for those who copy the file,
// and that it takes too long is no failure.
func TestCloseOnASlowDisk(t *testing.T) {
	l, err := Open(context.Background(), "sqlite://"+t.TempDir()+"/ledger.db", Options{})
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	require.NoError(t, emptyLog(ctx, l.write))
}

func TestSQLiteConnectionsAreDurable(t *testing.T) {
	l, err := Open(context.Background(), "sqlite://"+t.TempDir()+"/ledger.db", Options{})
	require.NoError(t, err)
	defer l.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": strconv.FormatInt(busyTimeout.Milliseconds(), 10)} {
		for _, db := range []*sql.DB{l.write, l.read} {
			var got string
			require.NoError(t, db.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got))
			require.Equal(t, want, got, pragma)
		}
	}
	_, err = l.read.ExecContext(context.Background(), "INSERT INTO ledger_tariffs (hash, edition) VALUES ('', '')")
	require.ErrorContains(t, err, "readonly")
}
