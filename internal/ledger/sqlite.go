package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // the database/sql driver
)

const (
	// busyTimeout is how long a connection waits for another process's write.
	busyTimeout = 10 * time.Second
	// migrationPoll is how often a process asks whether another is done migrating.
	migrationPoll = 20 * time.Millisecond
	sqliteReaders = 4
)

func openSQLite(ctx context.Context, path string, o Options) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if folder := filepath.Dir(path); !isFolder(folder) {
		return nil, fmt.Errorf("ledger: the folder %s does not exist: create it, or change LEDGER_URL", folder)
	}
	if err := migrateSQLite(ctx, path, o.Logger); err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	write, err := connectSQLite(path, false, o.Traces)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	read, err := connectSQLite(path, true, o.Traces)
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	l := &Ledger{write: write, read: read}
	if err := l.Ping(ctx); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// migrateSQLite creates the file, puts it into WAL mode and migrates it. SQLite
// has no lock that spans several transactions, and switching to WAL does not
// wait for a lock, so a lock file makes processes do this one after the other.
func migrateSQLite(ctx context.Context, path string, logger *slog.Logger) error {
	lock := flock.New(path+".migrate.lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, migrationPoll); err != nil {
		return fmt.Errorf("wait for the migration of another process: %w", err)
	}
	defer lock.Close()
	// Accounts are in it: others have no business reading it.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	db, err := connectSQLite(path, false, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return migrate(ctx, db, goose.DialectSQLite3, "migrations/sqlite", logger)
}

// connectSQLite prepares connections that lose nothing when the power fails.
func connectSQLite(path string, readOnly bool, traces trace.TracerProvider) (*sql.DB, error) {
	source := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"_busy_timeout": {strconv.FormatInt(busyTimeout.Milliseconds(), 10)},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_query_only":   {strconv.FormatBool(readOnly)},
		"_txlock":       {"immediate"},
		"_dqs":          {"0"},
	}.Encode()}
	return openDB("sqlite", source.String(), traces)
}
