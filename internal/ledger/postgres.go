package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"go.opentelemetry.io/otel/trace"
)

// PostgresConnections is how many connections a process has to PostgreSQL at most for one
// set of tables: those of the ledger, or those of Tables.
const PostgresConnections = 10

const (
	postgresConnectTimeout = 5 * time.Second
	// migrationLock is the advisory lock of the ledger's migrations: "aftercal"
	// in ASCII. Other programs' migrations in the same database have their own.
	migrationLock = 0x616674657263616c
	// callLocks are the advisory locks of calls that are corrected: "call" in ASCII.
	callLocks = "1667329132"
	// migrationWait is how many seconds to wait for another process's migrations.
	migrationWait = 300
)

const postgresUsage = "postgres://user:password@host/database" //nolint:gosec // an example

var postgresEngine = engine{
	name:    "postgresql",
	schemes: []string{"postgres", "postgresql"},
	usage:   postgresUsage,
	dialect: goose.DialectPostgres,
	now:     "round(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
	// An INSERT locks the table before it takes its seq, and unlocks it after all
	// can see the entry.
	openWriters: `SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'ledger_entries'::regclass AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
	// Locking a row needs the right to update, which nobody has.
	lockCall: "SELECT pg_advisory_xact_lock(" + callLocks + ", $1)",
	schema:   postgresSchema,
	parse:    parsePostgres,
}

// postgresDatabase is a database on a PostgreSQL server.
type postgresDatabase struct {
	config *pgx.ConnConfig
}

func parsePostgres(url string) (database, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The cause repeats the URL.
		return nil, errors.New("is not a usable PostgreSQL URL")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "aftercall"
	}
	return postgresDatabase{config}, nil
}

// open migrates under an advisory lock of the server.
func (d postgresDatabase) open(ctx context.Context, migrate migrateFunc, traces trace.TracerProvider) (pools, error) {
	db := connectDB(stdlib.GetConnector(*d.config, stdlib.OptionResetSession(dropReadOnly)), postgresEngine.name, traces)
	db.SetMaxOpenConns(PostgresConnections)
	db.SetMaxIdleConns(PostgresConnections)
	p := pools{write: db, read: db}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, migrationWait))
	if err == nil {
		err = migrate(ctx, db, goose.WithSessionLocker(locker))
	}
	if err != nil {
		return pools{}, errors.Join(err, p.close())
	}
	return p, nil
}

// dropReadOnly closes a connection that cannot write, instead of using it again. A
// session keeps the setting of its database with which it began, also when that is over.
// The server reports both by itself.
func dropReadOnly(_ context.Context, c *pgx.Conn) error {
	for _, status := range []string{"default_transaction_read_only", "in_hot_standby"} {
		if c.PgConn().ParameterStatus(status) == "on" {
			return driver.ErrBadConn
		}
	}
	return nil
}

func (d postgresDatabase) openReadOnly(context.Context) (*sql.DB, error) {
	config := d.config.Copy()
	config.RuntimeParams["default_transaction_read_only"] = "on"
	return stdlib.OpenDB(*config), nil
}

// openWriter waits less long for a lock than those who ask, so that they hear of it.
func (d postgresDatabase) openWriter() (*sql.DB, error) {
	return stdlib.OpenDB(*d.config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SET lock_timeout = 5000")
		return err
	})), nil
}

// freeBytes is not known: SQL does not say.
func (d postgresDatabase) freeBytes() (free uint64, known bool) { return 0, false }

// exposed looks at all ways in which pgx may connect: sslmode=prefer, which is
// what it does by itself, falls back to a connection without TLS.
func (d postgresDatabase) exposed() string {
	ways := []*pgconn.FallbackConfig{{Host: d.config.Host, TLSConfig: d.config.TLSConfig}}
	found := ""
	for _, way := range append(ways, d.config.Fallbacks...) {
		switch {
		case isLocal(way.Host):
		case way.TLSConfig == nil:
			return "without TLS"
		case way.TLSConfig.InsecureSkipVerify && way.TLSConfig.VerifyPeerCertificate == nil:
			found = "without verifying its certificate"
		}
	}
	return found
}

// isLocal reports whether a host, or the folder of a socket, is on this machine.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.HasPrefix(host, "/") || host == "localhost" || (err == nil && ip.IsLoopback())
}
