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

// migrationTable keeps the migrations apart from those of other programs in
// the same database.
const migrationTable = "ledger_migrations"

// migrateFunc brings the tables of a database up to date. The caller makes sure
// that no other process does so at the same time.
type migrateFunc func(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) error

// provider is goose for a database of the engine.
func (e *engine) provider(db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+e.name)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(e.dialect, db, files,
		append(options, goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return provider, nil
}

// migration is the migrateFunc of the engine.
func (e *engine) migration(logger *slog.Logger) migrateFunc {
	return func(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) error {
		provider, err := e.provider(db, options...)
		if err != nil {
			return err
		}
		applied, err := provider.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		for _, m := range applied {
			logger.InfoContext(ctx, "ledger migrated", "version", m.Source.Version, "duration", m.Duration)
		}
		return checkVersion(ctx, db, provider)
	}
}
