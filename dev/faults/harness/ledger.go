package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the database/sql driver

	"aftercall/dev/local"
	"aftercall/internal/testenv/programs"
)

// ledgerDB opens the database of the ledger as an administrator would, without the
// network of faults.
func (w *world) ledgerDB() (*sql.DB, error) {
	return w.openDB(local.LedgerDatabase, w.ledgerFile())
}

// openDB opens a database of PostgreSQL, or the file in its place.
func (w *world) openDB(database, file string) (*sql.DB, error) {
	if w.topology.Postgres {
		return sql.Open("pgx", programs.PostgresURL(w.stack.Ports().Postgres, database))
	}
	return sql.Open("sqlite", "file:"+file+"?_busy_timeout=10000")
}

// lock locks a table of a database, or its whole file, in a transaction.
func (w *world) lock(ctx context.Context, db *sql.DB, table string) (unlock end, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	statement := "BEGIN EXCLUSIVE"
	if w.topology.Postgres {
		statement = "BEGIN; LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE"
	}
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	return func(ctx context.Context) error {
		_, err := conn.ExecContext(ctx, "ROLLBACK")
		return errors.Join(err, conn.Close(), db.Close())
	}, nil
}

// ledgerFile is the ledger of a topology without PostgreSQL.
func (w *world) ledgerFile() string { return filepath.Join(w.disk.folder, "ledger.db") }

// moveLedger moves the tables of a ledger in PostgreSQL to its disk.
func (w *world) moveLedger(ctx context.Context) error {
	if !w.topology.Postgres || !w.disk.mounted {
		return nil
	}
	if err := w.disk.chown(filepath.Join(w.stack.Dir(), "postgres")); err != nil {
		return err
	}
	return w.execLedger(
		ctx, "CREATE TABLESPACE ledger LOCATION '"+w.disk.folder+"'",
		"ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE ledger", "ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE ledger",
	)
}

// execLedger runs statements in one session.
func (w *world) execLedger(ctx context.Context, statements ...string) error {
	db, err := w.ledgerDB()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
