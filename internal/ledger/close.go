package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"aftercall/internal/ledgerlog"
)

// ErrNotOver is returned for a month that cannot be closed because calls of it can
// still end.
var ErrNotOver = errors.New("the month is not over by the clock of the ledger's database")

// ErrNotClosed is returned for a month that was not closed.
var ErrNotClosed = errors.New("the month was not closed")

// CloseMonth records that a month was closed, at a checkpoint of the log as it is now:
// closed is false if it was closed before, and c is that earlier checkpoint. Entries
// for its calls are booked as ever. Integrate first, so that the checkpoint holds all
// that was booked. A month that is not over is ErrNotOver.
func (l *Ledger) CloseMonth(ctx context.Context, month ledgerlog.Close, key ledgerlog.Key) (c ledgerlog.Issued, closed bool, err error) {
	if strings.TrimSpace(month.Operator) == "" {
		return c, false, errors.New("operator: is missing: say who closes the month")
	}
	earlier, err := l.ClosedMonth(ctx, month.Month)
	if !errors.Is(err, ErrNotClosed) {
		return earlier, false, err
	}
	now, err := l.Now(ctx)
	if err != nil {
		return c, false, err
	}
	if now.Unix() < month.To {
		return c, false, ErrNotOver
	}
	if c, closed, err = l.insertClose(ctx, ledgerlog.Checkpoint{Time: now, Close: month}, key); err == nil && !closed {
		c, err = l.ClosedMonth(ctx, month.Month)
	}
	return c, closed, err
}

// insertClose stores checkpoint and close, both or none. closed is false if another
// process was first.
func (l *Ledger) insertClose(ctx context.Context, of ledgerlog.Checkpoint, key ledgerlog.Key) (c ledgerlog.Issued, closed bool, err error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return c, false, fmt.Errorf("ledger: close: %w", err)
	}
	c, id, err := l.checkpoint(ctx, tx, of, key)
	if err == nil {
		var month string
		closed, err = returned(ctx, tx, "INSERT INTO ledger_closes (month, checkpoint) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING month", []any{of.Close.Month, id}, &month)
	}
	if err != nil || !closed {
		return c, false, errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return c, false, fmt.Errorf("ledger: close: %w", err)
	}
	return c, true, nil
}

const selectCloses = "SELECT m.month, COALESCE(c.note, '') FROM ledger_closes m LEFT JOIN ledger_checkpoints c ON c.id = m.checkpoint "

// ClosedMonth is the checkpoint at which a month was closed. If it was not, the error
// is ErrNotClosed.
func (l *Ledger) ClosedMonth(ctx context.Context, month string) (c ledgerlog.Issued, err error) {
	err = each(ctx, l.read, selectCloses+"WHERE m.month = $1", []any{month}, func(scan func(...any) error) error {
		return scan(&month, &c.Text)
	})
	switch {
	case err != nil:
		return c, fmt.Errorf("ledger: read close: %w", err)
	case c.Text == "":
		return c, ErrNotClosed
	}
	c.Checkpoint, err = ledgerlog.ParseCheckpoint(c.Text)
	if err == nil && c.Close.Month != month {
		err = errors.New("does not close the month")
	}
	if err != nil {
		return c, fmt.Errorf("ledger: verify the ledger: the checkpoint of the close of %s %w", month, err)
	}
	return c, nil
}

// ListAfterClose is List for those entries of calls of a closed month that the
// checkpoint of the close does not hold: they come later in the log, or are not in it
// yet. Their calls ended in the month, whatever range f has.
func (l *Ledger) ListAfterClose(ctx context.Context, f Filter, at ledgerlog.Checkpoint) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		low, before, err := l.heldBy(ctx, at.Size)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		f.From, f.To, f.after = time.Unix(at.Close.From, 0), time.Unix(at.Close.To, 0), &low
		for e, err := range l.List(ctx, f) {
			if before[e.Seq] {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// heldBy says which entries are in the log of a size: all up to the seq low, and of
// later ones those in the map, which are few.
func (l *Ledger) heldBy(ctx context.Context, size uint64) (low int64, further map[int64]bool, err error) {
	if size == 0 {
		return math.MinInt64, nil, nil
	}
	last, ok, err := batchWhere(ctx, l.read, "WHERE first_index < $1 ORDER BY first_index DESC LIMIT 1", size)
	if err == nil && (!ok || last.size != size) {
		err = fmt.Errorf("ledger: no batch of the log ends at entry %d: verify the ledger", size)
	}
	if err != nil {
		return 0, nil, err
	}
	further = map[int64]bool{}
	err = each(ctx, l.read, selectBatch+"WHERE high > $1 AND first_index < $2", []any{last.low, size}, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		for i := range b.entries() {
			further[b.seq(i)] = true
		}
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("ledger: read the log: %w", err)
	}
	return last.low, further, nil
}
