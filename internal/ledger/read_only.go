package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrMissing is returned if there is no ledger at LEDGER_URL.
var ErrMissing = errors.New("there is no ledger yet")

// OpenReadOnly opens a ledger that exists, for reading. It creates and migrates
// nothing: a ledger that is not there is ErrMissing, and one whose tables are
// not those of this release is a *VersionError.
func OpenReadOnly(ctx context.Context, url string) (*Ledger, error) {
	e, source, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	db, err := source.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	l := &Ledger{pools: pools{write: db, read: db}, now: e.now}
	if err := e.checkVersion(ctx, db); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// VersionError is returned if the tables of a ledger are not those of this release.
// Have and Want are versions of migrations.
type VersionError struct{ Have, Want int64 }

// Error names both versions and what to do.
func (e *VersionError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("its tables are of version %d, made by a later release than this one, which knows version %d: run the later release", e.Have, e.Want)
	}
	return fmt.Sprintf("its tables are of version %d, but this release needs version %d: start the worker of this release, which migrates them", e.Have, e.Want)
}

// checkVersion compares the migrations that were applied with those of this release.
func (e *engine) checkVersion(ctx context.Context, db *sql.DB) error {
	// Asked first, because a database that is not a ledger can answer anything.
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	var have sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+migrationTable+" WHERE is_applied").Scan(&have); err != nil {
		return fmt.Errorf("%w: the database has no table %s (%w)", ErrMissing, migrationTable, err)
	}
	provider, err := e.provider(db)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	if want := sources[len(sources)-1].Version; have.Int64 != want {
		return &VersionError{Have: have.Int64, Want: want}
	}
	return nil
}
