package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // the database/sql driver
)

const (
	// defaultBusyTimeout is how long a connection waits for another process's write.
	defaultBusyTimeout = 10 * time.Second
	// migrationPoll is how often a process asks whether another is done migrating.
	migrationPoll = 20 * time.Millisecond
	sqliteReaders = 4
	// logLimit is the size in bytes that the write-ahead log shrinks to when SQLite
	// begins it again: where it folds it back if nobody reads.
	logLimit = 4 << 20
	// tidyTimeout is how long a clean stop waits for readers before it leaves the log
	// to whoever opens the ledger next.
	tidyTimeout = time.Second
)

// busyTimeout is longer in tests, where other tests write to the same disk.
var busyTimeout = defaultBusyTimeout

var sqliteEngine = engine{
	name:    "sqlite",
	schemes: []string{"sqlite"},
	usage:   "sqlite: and the path of a file, as in sqlite:/var/lib/aftercall/ledger.db",
	dialect: goose.DialectSQLite3,
	now:     "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)",
	schema: `SELECT type || ' ' || name || ' on ' || tbl_name, sql FROM sqlite_master
WHERE type IN ('table', 'trigger', 'view') AND tbl_name LIKE 'ledger~_%' ESCAPE '~' AND tbl_name <> 'ledger_migrations' AND tbl_name NOT LIKE 'ledger~_sweep%' ESCAPE '~'`,
	copyInto: "VACUUM INTO $1",
	parse:    parseSQLite,
}

// sqliteDatabase is a file; a relative path is relative to the working directory.
type sqliteDatabase struct {
	path string
}

func parseSQLite(url string) (database, error) {
	path := strings.TrimPrefix(url, "sqlite:")
	if after, slashes := strings.CutPrefix(path, "//"); slashes {
		if !strings.HasPrefix(after, "/") {
			return nil, errors.New("names a host, but a SQLite ledger is a file")
		}
		path = after
	}
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return nil, errors.New("names no file")
	case strings.HasPrefix(path, ":memory:"):
		return nil, errors.New("is in memory, but a ledger must last")
	case strings.ContainsAny(path, "?#\x00"):
		return nil, errors.New("has options, but a SQLite ledger takes none")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, errors.New("is relative to a working directory that cannot be read")
	}
	return sqliteDatabase{path}, nil
}

// open has a pool of one connection for writing: SQLite has one writer at a
// time, and waiting for that connection is fair and costs nothing, where
// waiting for the file's lock is neither.
func (d sqliteDatabase) open(ctx context.Context, migrate migrateFunc, traces trace.TracerProvider) (pools, error) {
	if folder := filepath.Dir(d.path); !isFolder(folder) {
		return pools{}, fmt.Errorf("the folder %s does not exist: create it, or change LEDGER_URL", folder)
	}
	if err := d.migrate(ctx, migrate); err != nil {
		return pools{}, d.name(err)
	}
	write, err := d.connect(url.Values{}, traces)
	if err != nil {
		return pools{}, d.name(err)
	}
	write.SetMaxOpenConns(1)
	p := pools{write: write, tidy: func() error { return emptyLog(context.WithoutCancel(ctx), write) }}
	if p.read, err = d.connect(url.Values{"_query_only": {"1"}}, traces); err != nil {
		return pools{}, errors.Join(d.name(err), p.close())
	}
	p.read.SetMaxOpenConns(sqliteReaders)
	p.read.SetMaxIdleConns(sqliteReaders)
	return p, nil
}

// openWriter has next to no cache, so that a write reaches the disk before its
// transaction ends, and waits less long for a lock than those who ask.
func (d sqliteDatabase) openWriter() (*sql.DB, error) {
	return sql.Open("sqlite", d.source(url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {"cache_size(1)", "busy_timeout(5000)"}}))
}

func (sqliteDatabase) exposed() string { return "" }

func (d sqliteDatabase) freeBytes() (free uint64, known bool) { return freeBytes(filepath.Dir(d.path)) }

// name adds the path to an error.
func (d sqliteDatabase) name(err error) error { return fmt.Errorf("%s: %w", d.path, err) }

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// migrate creates the file, switches it to WAL mode and migrates it. SQLite has
// no lock that spans several transactions, and switching to WAL does not wait
// for a lock, so a lock file makes processes do this one after the other.
func (d sqliteDatabase) migrate(ctx context.Context, migrate migrateFunc) error {
	lock := flock.New(d.path+".migrate.lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, migrationPoll); err != nil {
		return fmt.Errorf("wait for the migration of another process: %w", err)
	}
	defer lock.Close()
	// It holds accounts, so only its owner can read it.
	file, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	db, err := d.connect(url.Values{}, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return migrate(ctx, db)
}

// connect prepares connections that lose nothing when the power fails.
func (d sqliteDatabase) connect(options url.Values, traces trace.TracerProvider) (*sql.DB, error) {
	options.Set("_journal_mode", "WAL")
	options.Set("_synchronous", "FULL")
	options.Set("_foreign_keys", "1")
	options.Set("_txlock", "immediate")
	options.Set("_pragma", "journal_size_limit("+strconv.Itoa(logLimit)+")")
	return openDB("sqlite", d.source(options), sqliteEngine.name, traces)
}

// source is the data source name of the file with the options.
func (d sqliteDatabase) source(options url.Values) string {
	options.Set("_busy_timeout", strconv.FormatInt(busyTimeout.Milliseconds(), 10))
	options.Set("_dqs", "0")
	source := url.URL{Scheme: "file", Path: d.path, RawQuery: options.Encode()}
	return source.String()
}

// emptyLog folds the write-ahead log back into the file, which is then the whole
// ledger, and empties it. Closing the last connection of all processes does the
// same; this does it while others have the ledger open.
func emptyLog(ctx context.Context, write *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 2*tidyTimeout)
	defer cancel()
	if _, err := write.ExecContext(ctx, "PRAGMA busy_timeout = "+strconv.FormatInt(tidyTimeout.Milliseconds(), 10)); err != nil && ctx.Err() == nil {
		return fmt.Errorf("ledger: empty the write-ahead log: %w", err)
	}
	// A reader that does not end in time, or a slow disk, is no error: everything is
	// durable in the log.
	if _, err := write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil && ctx.Err() == nil {
		return fmt.Errorf("ledger: empty the write-ahead log: %w", err)
	}
	return nil
}
