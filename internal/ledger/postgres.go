package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	postgresConnections    = 10
	postgresConnectTimeout = 5 * time.Second
	// migrationLock is the advisory lock of the ledger's migrations: "aftercal"
	// in ASCII. Other programs' migrations in the same database have their own.
	migrationLock = 0x616674657263616c
	// migrationWait is how many seconds to wait for another process's migrations.
	migrationWait = 300
)

func openPostgres(ctx context.Context, url string, o Options) (*Ledger, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, err
	}
	db := connectDB(stdlib.GetConnector(*config), o.Traces)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	l := &Ledger{write: db, read: db}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, migrationWait))
	if err == nil {
		err = migrate(ctx, db, goose.DialectPostgres, "migrations/postgres", o.Logger, goose.WithSessionLocker(locker))
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return l, nil
}

func parsePostgres(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The cause repeats the URL.
		return nil, errors.New("LEDGER_URL is not a usable PostgreSQL URL: " + urlAdvice)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "aftercall"
	}
	return config, nil
}
