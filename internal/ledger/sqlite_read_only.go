package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openReadOnly never changes the file. SQLite reads one whose last writer has gone
// only where it can create its log and its shared memory beside it; in a folder
// that cannot be written to, the file is read as one that nobody changes.
func (d sqliteDatabase) openReadOnly(ctx context.Context) (*sql.DB, error) {
	if _, err := os.Stat(d.path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the file %s does not exist", ErrMissing, d.path)
	}
	db, err := d.tryReadOnly(ctx, url.Values{"mode": {"ro"}})
	if err != nil && noPlaceForLog(err) {
		if log, statErr := os.Stat(d.path + "-wal"); statErr == nil && log.Size() > 0 {
			return nil, fmt.Errorf("%s-wal holds entries that can only be read where its folder can be written to: copy both files into such a folder, or restore a backup: %w", d.path, err)
		}
		db, err = d.tryReadOnly(ctx, url.Values{"mode": {"ro"}, "immutable": {"1"}})
	}
	if err != nil {
		return nil, d.name(err)
	}
	return db, nil
}

// tryReadOnly connects and reads, because connecting alone opens nothing.
func (d sqliteDatabase) tryReadOnly(ctx context.Context, options url.Values) (*sql.DB, error) {
	db, err := sql.Open("sqlite", d.source(options))
	if err != nil {
		return nil, err
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// noPlaceForLog reports whether the log or the shared memory could not be created.
func noPlaceForLog(err error) bool {
	var problem *sqlite.Error
	if !errors.As(err, &problem) {
		return false
	}
	primary := problem.Code() & 0xff
	return primary == sqlite3.SQLITE_READONLY || primary == sqlite3.SQLITE_CANTOPEN
}
