package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
)

// VersionError is returned if this release cannot work with the tables of a database.
// Have and Want are versions of migrations.
type VersionError struct{ Have, Want int64 }

// Error names both versions and what to do.
func (e *VersionError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("its tables are of version %d, made by a later release than this one, which knows version %d and cannot work with them: run the later release", e.Have, e.Want)
	}
	return fmt.Sprintf("its tables are of version %d, but this release needs version %d: start the worker of this release, which migrates them", e.Have, e.Want)
}

// checkVersion compares the migrations that were applied with those of this
// release. Later ones are fine if each of them says that this release can work
// with it.
func (t Tables) checkVersion(ctx context.Context, db *sql.DB, provider *goose.Provider) error {
	var have sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+t.migrationTable()+" WHERE is_applied").Scan(&have); err != nil {
		return fmt.Errorf("%w: the database has no table %s (%w)", ErrMissing, t.migrationTable(), err)
	}
	sources := provider.ListSources()
	want := sources[len(sources)-1].Version
	if have.Int64 < want {
		return &VersionError{Have: have.Int64, Want: want}
	}
	var unusable bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+t.migrationTable()+` m WHERE m.is_applied AND m.version_id > $1
AND NOT EXISTS (SELECT 1 FROM `+t.versionTable()+` v WHERE v.version = m.version_id AND v.oldest <= $1))`, want).Scan(&unusable); err != nil {
		return fmt.Errorf("%s: read what later releases demand: %w", t.Name, err)
	}
	if unusable {
		return &VersionError{Have: have.Int64, Want: want}
	}
	return nil
}

// requireOwnTables returns a *VersionError for tables of a later release. Entries can
// be read and written without their new columns, but leaves of the log cannot be
// computed.
func (l *Ledger) requireOwnTables(ctx context.Context, q querier) error {
	files, err := migrations.ReadDir("migrations/" + l.engine.name)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	own, err := goose.NumericComponent(files[len(files)-1].Name())
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	var have int64
	if err := q.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+ledgerTables.migrationTable()+" WHERE is_applied").Scan(&have); err != nil {
		return fmt.Errorf("ledger: read the version of the tables: %w", err)
	}
	if have > own {
		return &VersionError{Have: have, Want: own}
	}
	return nil
}
