package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// Options are what a ledger needs besides its database.
type Options struct {
	// Logger logs migrations; nil logs nothing.
	Logger *slog.Logger
	// Traces records the statements that are sent to the database; nil records none.
	Traces trace.TracerProvider
}

// Ledger is an open ledger. It is safe for concurrent use, also by several
// processes on one database.
type Ledger struct {
	*opened
	// tariffs holds the hashes of tariff versions known to be stored.
	tariffs sync.Map
}

// Open opens the ledger at url (sqlite:path or postgres://…) and brings its
// tables up to date, under a lock, so that many processes can do so at once. A
// URL that cannot be used is a *URLError, and no error repeats the URL. A ledger
// with tables of a later release that this one cannot work with is a *VersionError. Close the ledger after use.
func Open(ctx context.Context, url string, o Options) (*Ledger, error) {
	opened, err := ledgerTables.open(ctx, url, o)
	if err != nil {
		return nil, err
	}
	l := &Ledger{opened: opened}
	if err := l.Ping(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Ping reports whether the ledger answers queries.
func (l *Ledger) Ping(ctx context.Context) error {
	var one int
	err := l.read.QueryRowContext(ctx, "SELECT 1 FROM ledger_entries LIMIT 1").Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}
