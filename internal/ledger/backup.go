package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrNoBackup is returned for an engine that has tools of its own for backups.
var ErrNoBackup = errors.New("this database has a tool of its own for backups")

// BackUp writes a copy of the ledger into a new file, as the ledger is at one moment.
// It may be written meanwhile. Only its owner can read the copy. A database that
// has tools of its own is ErrNoBackup.
func (l *Ledger) BackUp(ctx context.Context, file string) (err error) {
	if l.engine.copyInto == "" {
		return ErrNoBackup
	}
	// VACUUM INTO takes an empty file, and would make one that others can read.
	target, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // chosen by the operator
	if err != nil {
		return fmt.Errorf("ledger: back up: %w", err)
	}
	defer func() {
		if err = errors.Join(err, target.Close()); err != nil {
			err = errors.Join(fmt.Errorf("ledger: back up: %w", err), os.Remove(file))
		}
	}()
	if _, err := l.read.ExecContext(ctx, l.engine.copyInto, file); err != nil {
		return err
	}
	return target.Sync()
}
