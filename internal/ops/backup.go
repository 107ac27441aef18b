package ops

import (
	"context"
	"errors"

	"aftercall/internal/ledger"
)

// BackUp writes a copy of the ledger into a new file.
func (d *Deps) BackUp(ctx context.Context, file string) error {
	l, err := d.Ledger(ctx)
	if err != nil {
		return err
	}
	err = l.BackUp(ctx, file)
	if errors.Is(err, ledger.ErrNoBackup) {
		return Errorf(Usage, "pg_dump --format=custom --file=ledger.dump \"$LEDGER_URL\"", "the ledger is in PostgreSQL: %w", err)
	}
	return err
}
