package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
)

// opened is a database that was opened.
type opened struct {
	pools
	source   database
	engine   *engine
	closing  sync.Once
	closeErr error // of the first Close
}

// open opens the database at url and brings the tables up to date.
func (t Tables) open(ctx context.Context, url string, o Options) (*opened, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	e, db, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	p, err := db.open(ctx, e.migration(t, o.Logger), o.Traces)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return &opened{pools: p, source: db, engine: e}, nil
}

// Close closes all connections. Calls in progress fail, and closing again does nothing.
func (o *opened) Close() error {
	o.closing.Do(func() { o.closeErr = o.close() })
	return o.closeErr
}

// FreeBytes is how much space is left where the database is. known is false for one
// on a server, and where the system does not say.
func (o *opened) FreeBytes() (free uint64, known bool) { return o.source.freeBytes() }

// Exposed says how others in the network could read or replace what goes to the
// database and comes from it, as in "without TLS"; empty if they cannot.
func (o *opened) Exposed() string { return o.source.exposed() }

// Database is an open database with tables of another package than this one, which
// can be in the database of a ledger. It is safe for concurrent use, also by several
// processes.
type Database struct{ *opened }

// Open is Open of a ledger for other tables.
func (t Tables) Open(ctx context.Context, url string, o Options) (Database, error) {
	opened, err := t.open(ctx, url, o)
	return Database{opened}, err
}

// OpenReadOnly is OpenReadOnly of a ledger for other tables.
func (t Tables) OpenReadOnly(ctx context.Context, url string) (Database, error) {
	opened, err := t.openReadOnly(ctx, url)
	return Database{opened}, err
}

// Write are the connections for writing. SQLite has only one.
func (d Database) Write() *sql.DB { return d.write }

// Read are the connections for reading.
func (d Database) Read() *sql.DB { return d.read }

// Writer connects for one write at a time, also where the database was opened for
// reading. Close it after use.
func (d Database) Writer() (*sql.DB, error) { return d.source.openWriter() }
