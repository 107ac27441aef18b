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
// nothing: a ledger that is not there is ErrMissing, and one whose tables this
// release cannot work with is a *VersionError.
func OpenReadOnly(ctx context.Context, url string) (*Ledger, error) {
	e, source, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	db, err := source.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	l := &Ledger{pools: pools{write: db, read: db}, source: source, engine: e}
	if err := e.checkTables(ctx, db); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// checkTables reports a database without a ledger, or with tables that this release
// cannot work with.
func (e *engine) checkTables(ctx context.Context, db *sql.DB) error {
	// Asked first, because a database that is not a ledger can answer anything.
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	provider, err := e.provider(db)
	if err != nil {
		return err
	}
	return checkVersion(ctx, db, provider)
}
