package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aftercall/internal/ledgerlog"
)

// LogState is how far the log has come.
type LogState struct {
	// Size is the number of entries in the log, and Root the root of its tree.
	Size uint64
	Root ledgerlog.Hash
	// Waiting is how many entries are not in it yet, and WaitingSince when the
	// oldest of them was booked; zero if there are none.
	Waiting      int64
	WaitingSince time.Time
	// IntegratedAt is when entries were last taken in.
	IntegratedAt time.Time
}

// LogState reads how far the log has come. Entries that a long transaction books
// are not counted as waiting.
func (l *Ledger) LogState(ctx context.Context) (LogState, error) {
	tail, err := tailOf(ctx, l.read)
	if err != nil {
		return LogState{}, err
	}
	s := LogState{Size: tail.size, IntegratedAt: tail.at}
	if s.Root, err = tail.root(); err != nil {
		return LogState{}, err
	}
	var since int64
	err = l.read.QueryRowContext(ctx, "SELECT count(*), COALESCE(min(created_at), 0) FROM ledger_entries WHERE seq > $1", tail.high).
		Scan(&s.Waiting, &since)
	if err != nil {
		return LogState{}, fmt.Errorf("ledger: read the log: %w", err)
	}
	if since > 0 {
		s.WaitingSince = time.UnixMilli(since).UTC()
	}
	return s, nil
}

// root is the root of the tree with the batch.
func (b *logBatch) root() (ledgerlog.Hash, error) {
	tree, err := ledgerlog.ResumeTree(b.size, b.frontier)
	if err != nil {
		return ledgerlog.Hash{}, fmt.Errorf("ledger: the log was altered: %w", err)
	}
	return tree.Root()
}

// MakeCheckpoint stores a checkpoint of the log as it is now, signed if there is a
// key. Integrate first, so that it holds all that was booked.
func (l *Ledger) MakeCheckpoint(ctx context.Context, key ledgerlog.Key) (ledgerlog.Issued, error) {
	// The time is asked first: all that the checkpoint says is true at a later time.
	now, err := l.Now(ctx)
	if err != nil {
		return ledgerlog.Issued{}, err
	}
	c, _, err := l.checkpoint(ctx, l.write, ledgerlog.Checkpoint{Time: now}, key)
	return c, err
}

// checkpoint stores a checkpoint, all but its size, root and origin of which is given.
func (l *Ledger) checkpoint(ctx context.Context, q querier, of ledgerlog.Checkpoint, key ledgerlog.Key) (c ledgerlog.Issued, id int64, err error) {
	tail, err := tailOf(ctx, q)
	if err != nil {
		return c, 0, err
	}
	c.Checkpoint = of
	c.Origin, c.Size = key.Origin(), tail.size
	if c.Root, err = tail.root(); err != nil {
		return c, 0, err
	}
	if c.Text, err = c.Sign(key); err != nil {
		return c, 0, fmt.Errorf("ledger: sign checkpoint: %w", err)
	}
	_, err = returned(ctx, q, "INSERT INTO ledger_checkpoints (size, note, time) VALUES ($1, $2, $3) RETURNING id", []any{c.Size, c.Text, c.Time.UnixMilli()}, &id)
	if err != nil {
		return c, 0, fmt.Errorf("ledger: store checkpoint: %w", err)
	}
	return c, id, nil
}

// ErrNoCheckpoint is returned if there is no checkpoint yet.
var ErrNoCheckpoint = errors.New("there is no checkpoint yet")

// LastCheckpoint is the one that was made last. If there is none, the error is
// ErrNoCheckpoint.
func (l *Ledger) LastCheckpoint(ctx context.Context) (ledgerlog.Issued, error) {
	last := ledgerlog.Issued{}
	err := each(ctx, l.read, "SELECT note FROM ledger_checkpoints ORDER BY id DESC LIMIT 1", nil, func(scan func(...any) error) error {
		return scan(&last.Text)
	})
	switch {
	case err != nil:
		return last, fmt.Errorf("ledger: read checkpoint: %w", err)
	case last.Text == "":
		return last, ErrNoCheckpoint
	}
	if last.Checkpoint, err = ledgerlog.ParseCheckpoint(last.Text); err != nil {
		return last, fmt.Errorf("ledger: the stored checkpoint %w", err)
	}
	return last, nil
}
