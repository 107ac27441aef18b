package local

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver pgx

	"aftercall/internal/testenv/programs"
)

// The databases of the ledger and of the events where the topology has PostgreSQL.
const (
	LedgerDatabase   = "aftercall"
	EvidenceDatabase = "evidence"
)

// startPostgres starts a PostgreSQL with an empty database for the ledger, and one for
// the events.
func (s *Stack) startPostgres(ctx context.Context) error {
	server, err := programs.Postgres(filepath.Join(s.dir, "postgres"), s.ports.Postgres, "max_connections=200")
	if err != nil {
		return err
	}
	if err := s.spawn("postgres", server); err != nil {
		return err
	}
	db, err := sql.Open("pgx", programs.PostgresURL(s.ports.Postgres, "postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := s.await(ctx, "PostgreSQL", db.PingContext); err != nil {
		return err
	}
	for _, name := range []string{LedgerDatabase, EvidenceDatabase} {
		var exists bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
			return fmt.Errorf("databases of PostgreSQL: %w", err)
		}
		if exists {
			continue
		}
		if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
			return fmt.Errorf("create the database %s: %w", name, err)
		}
	}
	return nil
}

// LedgerURL returns the LEDGER_URL of the stack.
func (s *Stack) LedgerURL() string { return s.Environ()["LEDGER_URL"] }

func (s *Stack) ownLedgerURL() string {
	if s.options.Topology.Postgres {
		return programs.PostgresURL(s.ports.Postgres, LedgerDatabase)
	}
	return "sqlite:" + s.LedgerPath()
}
