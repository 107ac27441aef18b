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

// migrate brings the tables up to date. Whoever calls it sees to it that no
// other process does so at the same time.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, folder string, logger *slog.Logger, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db, files,
		append(options, goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, m := range applied {
		logger.InfoContext(ctx, "ledger migrated", "version", m.Source.Version, "duration", m.Duration)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if current > target {
		return &VersionError{Have: current, Want: target}
	}
	return nil
}
