package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// tryWriteSize is how much TryWrite writes: more than fits into a page that the
// database has anyway, so that a full disk shows.
const tryWriteSize = 64 << 10

// tryEntry inserts no entry, and waits for whoever has locked their table.
const tryEntry = "INSERT INTO ledger_entries (key) SELECT '' WHERE 1 = 0"

// TryWrite reports whether the ledger accepts a write. It inserts a row in a
// transaction that it takes back, through a connection of its own, and works for a
// ledger that was opened for reading too. It creates and migrates nothing.
func (l *Ledger) TryWrite(ctx context.Context) (err error) {
	db, err := l.source.openWriter()
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: begin a transaction: %w", err)
	}
	filler := make([]byte, tryWriteSize/2)
	_, _ = rand.Read(filler) // never fails; a database may compress what is not random
	text := hex.EncodeToString(filler)
	_, err = tx.ExecContext(ctx, "INSERT INTO ledger_tariffs (hash, edition) VALUES ($1, $2)", text[:64], text)
	if err == nil {
		_, err = tx.ExecContext(ctx, tryEntry)
	}
	if err != nil {
		err = fmt.Errorf("ledger: try a write: %w", err)
	}
	if rollback := tx.Rollback(); err == nil && rollback != nil { // SQLite has rolled a failed one back itself
		err = fmt.Errorf("ledger: take a write back: %w", rollback)
	}
	return err
}
