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

// Options are what a ledger needs beside its database.
type Options struct {
	// Logger hears of migrations; without one, nobody does.
	Logger *slog.Logger
	// Traces, if set, records what is asked of the database.
	Traces trace.TracerProvider
}

// Ledger is an open ledger. It is safe for concurrent use, also by several
// processes on one database.
type Ledger struct {
	// write and read are one pool on PostgreSQL. SQLite has one writer at a
	// time: waiting for the only writing connection is fair and costs nothing,
	// where waiting for the file's lock is neither.
	write, read *sql.DB
	// tariffs holds the hashes of tariff versions known to be stored.
	tariffs sync.Map
}

// Open opens the ledger at url (sqlite:///path, sqlite:path or postgres://…)
// and brings its tables up to date, under a lock, so that many processes can do
// so at once. No error repeats the URL. Close the ledger after use.
func Open(ctx context.Context, url string, o Options) (*Ledger, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	kind, path, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if kind == enginePostgres {
		return openPostgres(ctx, url, o)
	}
	return openSQLite(ctx, path, o)
}

// Ping reports whether the ledger can be asked.
func (l *Ledger) Ping(ctx context.Context) error {
	var one int
	err := l.read.QueryRowContext(ctx, "SELECT 1 FROM ledger_entries LIMIT 1").Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

// Close ends all connections. Calls in progress fail.
func (l *Ledger) Close() error {
	if l.read == l.write {
		return l.write.Close()
	}
	return errors.Join(l.read.Close(), l.write.Close())
}
