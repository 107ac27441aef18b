package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// ErrMissing says that there is no ledger where LEDGER_URL points.
var ErrMissing = errors.New("there is no ledger yet")

// OpenReadOnly opens a ledger that exists, for reading. It makes and migrates
// nothing: a ledger that is not there is ErrMissing, and one whose tables are
// not those of this release is a *VersionError.
func OpenReadOnly(ctx context.Context, url string) (*Ledger, error) {
	kind, path, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	db, dialect, folder, err := connectReadOnly(kind, url, path)
	if err != nil {
		return nil, err
	}
	l := &Ledger{write: db, read: db}
	if err := checkVersion(ctx, db, dialect, folder); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func connectReadOnly(kind engine, url, path string) (db *sql.DB, dialect goose.Dialect, folder string, err error) {
	if kind == enginePostgres {
		config, err := parsePostgres(url)
		if err != nil {
			return nil, "", "", err
		}
		config.RuntimeParams["default_transaction_read_only"] = "on"
		return stdlib.OpenDB(*config), goose.DialectPostgres, "migrations/postgres", nil
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, "", "", fmt.Errorf("ledger: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, "", "", fmt.Errorf("%w: the file %s does not exist", ErrMissing, path)
	}
	if db, err = connectSQLite(path, true, nil); err != nil {
		return nil, "", "", fmt.Errorf("ledger %s: %w", path, err)
	}
	return db, goose.DialectSQLite3, "migrations/sqlite", nil
}

// VersionError says that the tables of a ledger are not those of this release.
type VersionError struct{ Have, Want int64 }

// Error says what to do.
func (e *VersionError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("its tables are of version %d, made by a later release than this one, which knows version %d: run the later release", e.Have, e.Want)
	}
	return fmt.Sprintf("its tables are of version %d, but this release needs version %d: start the worker of this release, which migrates them", e.Have, e.Want)
}

// checkVersion compares what was migrated with what this release knows.
func checkVersion(ctx context.Context, db *sql.DB, dialect goose.Dialect, folder string) error {
	// Asked first, because a database that is not a ledger may answer anything else.
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	var have sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+migrationTable+" WHERE is_applied").Scan(&have); err != nil {
		return fmt.Errorf("%w: the database has no table %s (%w)", ErrMissing, migrationTable, err)
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db, files, goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := provider.ListSources()
	if want := sources[len(sources)-1].Version; have.Int64 != want {
		return &VersionError{Have: have.Int64, Want: want}
	}
	return nil
}
