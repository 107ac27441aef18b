package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"go.opentelemetry.io/otel/trace"
)

// engine is a kind of database that can hold a ledger: all that differs between
// one and another. Queries, keys and checks are the same on every engine.
type engine struct {
	// name is the engine's folder below migrations/, and the db.system.name of
	// its spans.
	name string
	// schemes are those of its URLs, without the colon.
	schemes []string
	// usage says how to write its URL; it follows "must be" and "write".
	usage string
	// dialect is how goose speaks to it.
	dialect goose.Dialect
	// now is an expression for the time by the database's clock in Unix milliseconds.
	now string
	// openWriters is a query that names the open transactions which have written to
	// ledger_entries or are about to: entries of theirs can become visible after some
	// with a higher seq. It is empty for an engine with one writer at a time.
	openWriters string
	// lockCall locks the corrections of the call with the number $1 until the
	// transaction ends. It is empty for an engine with one writer at a time.
	lockCall string
	// schema is a query that lists what keeps the ledger append-only, each as an
	// object and its definition: schema/ has what it must give.
	schema string
	// copyInto is the statement that copies the database into the file $1; empty if
	// the engine has tools of its own for backups.
	copyInto string
	// parse reads a URL that has one of the schemes. Its errors follow
	// "LEDGER_URL" and never repeat the URL, which can contain a password.
	parse func(url string) (database, error)
}

// database is the one that a URL names. Nothing is connected before it is opened.
type database interface {
	// open connects, and calls migrate while it holds a lock that makes other
	// processes wait which open the same database.
	open(ctx context.Context, migrate migrateFunc, traces trace.TracerProvider) (pools, error)
	// openReadOnly connects for reading, and neither creates nor changes anything.
	// The error is ErrMissing where it is clear without a connection that there is
	// no ledger.
	openReadOnly(ctx context.Context) (*sql.DB, error)
	// openWriter connects for one write at a time and creates nothing.
	openWriter() (*sql.DB, error)
	// freeBytes is how much space is left; known is false where it cannot be known.
	freeBytes() (free uint64, known bool)
	// exposed says how others in the network could read or replace what goes to the
	// database and comes from it; empty if they cannot.
	exposed() string
}

// pools are the connections of a ledger: for an engine with any number of
// writers the same pool twice.
type pools struct {
	write, read *sql.DB
	// tidy, unless it is nil, puts the database in order once nothing reads any more.
	tidy func() error
}

func (p pools) close() error {
	var errs []error
	if p.read != nil && p.read != p.write {
		errs = append(errs, p.read.Close())
	}
	if p.tidy != nil {
		errs = append(errs, p.tidy())
	}
	return errors.Join(append(errs, p.write.Close())...)
}

// engines are all that LEDGER_URL can name.
var engines = []*engine{&sqliteEngine, &postgresEngine}

// URLError says what is wrong with the URL of a ledger. It does not repeat it.
type URLError struct {
	// Problem is what is wrong and how to write it, without the name LEDGER_URL.
	Problem string
}

// Error names the variable.
func (e *URLError) Error() string { return "LEDGER_URL " + e.Problem }

// ValidateURL reports a LEDGER_URL that Open could not use, whatever the
// database: the error is a *URLError.
func ValidateURL(url string) error {
	_, _, err := parseURL(url)
	return err
}

// parseURL finds the engine of a URL and the database that it names.
func parseURL(url string) (*engine, database, error) {
	scheme, _, found := strings.Cut(url, ":")
	switch {
	case url == "":
		return nil, nil, &URLError{"is empty: write " + usage()}
	case !found:
		return nil, nil, &URLError{"has no scheme: write " + usage()}
	}
	for _, e := range engines {
		if !slices.Contains(e.schemes, scheme) {
			continue
		}
		db, err := e.parse(url)
		if err != nil {
			return nil, nil, &URLError{err.Error() + ": write " + e.usage}
		}
		return e, db, nil
	}
	return nil, nil, &URLError{"must be " + usage()}
}

// usage says how to write a URL of each engine.
func usage() string {
	usages := make([]string, len(engines))
	for i, e := range engines {
		usages[i] = e.usage
	}
	return strings.Join(usages, ", or ")
}
