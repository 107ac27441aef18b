package ledger

import (
	"context"
	"errors"
	"fmt"
)

// ErrMissing is returned if there is no ledger at LEDGER_URL.
var ErrMissing = errors.New("there is no ledger yet")

// OpenReadOnly opens a ledger that exists, for reading. It creates and migrates
// nothing: a ledger that is not there is ErrMissing, and one whose tables this
// release cannot work with is a *VersionError.
func OpenReadOnly(ctx context.Context, url string) (*Ledger, error) {
	opened, err := ledgerTables.openReadOnly(ctx, url)
	if err != nil {
		return nil, err
	}
	return &Ledger{opened: opened}, nil
}

func (t Tables) openReadOnly(ctx context.Context, url string) (*opened, error) {
	e, source, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	db, err := source.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	o := &opened{pools: pools{write: db, read: db}, source: source, engine: e}
	if err := o.checkTables(ctx, t); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// checkTables reports a database without the tables, or with some that this release
// cannot work with.
func (o *opened) checkTables(ctx context.Context, t Tables) error {
	// Asked first, because a database that is not a ledger can answer anything.
	if err := o.read.PingContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	provider, err := o.engine.provider(t, o.read)
	if err != nil {
		return err
	}
	return t.checkVersion(ctx, o.read, provider)
}
