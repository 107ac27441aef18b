package ledger

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Tables are the tables of a package, whose names begin with Name and _. They can share
// a database with those of others.
type Tables struct {
	// Name is also that of their migrations: those that were applied are in
	// Name_migrations, and what each demands of the releases is in Name_versions.
	Name string
	// Migrations has a folder migrations with one for each engine, sqlite and
	// postgresql, which have the same files.
	Migrations embed.FS
}

var ledgerTables = Tables{Name: "ledger", Migrations: migrations}

func (t Tables) migrationTable() string { return t.Name + "_migrations" }

func (t Tables) versionTable() string { return t.Name + "_versions" }

// migrateFunc brings the tables of a database up to date. The caller makes sure
// that no other process does so at the same time.
type migrateFunc func(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) error

// provider is goose for the tables in a database of the engine.
func (e *engine) provider(t Tables, db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(t.Migrations, "migrations/"+e.name)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(e.dialect, db, files,
		append(options, goose.WithTableName(t.migrationTable()), goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return provider, nil
}

// migration is the migrateFunc of the tables.
func (e *engine) migration(t Tables, logger *slog.Logger) migrateFunc {
	return func(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) error {
		provider, err := e.provider(t, db, options...)
		if err != nil {
			return err
		}
		applied, err := provider.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		for _, m := range applied {
			logger.InfoContext(ctx, t.Name+" migrated", "version", m.Source.Version, "duration", m.Duration)
		}
		return t.checkVersion(ctx, db, provider)
	}
}
