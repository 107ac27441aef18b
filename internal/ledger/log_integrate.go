package ledger

import (
	"context"
	"fmt"
	"slices"
)

// logBatchSize is how many entries a batch has at most. Its row then has 80 kB.
const logBatchSize = 1000

// Integrator takes booked entries into the log, in the background: charging does
// not wait for it. Several processes may have one: of two that add a batch at the
// same time, the log has that of one.
//
// Entries with a lower seq can become visible later, on an engine on which
// transactions write at the same time. Such an entry is not lost: it comes later
// in the log. So that not all entries must be looked through for it, the Integrator
// keeps a seq below which there can be none.
type Integrator struct {
	ledger *Ledger
	// settled is a seq up to which all entries are in the log.
	settled int64
	// reached becomes settled once no transaction of writers is open.
	reached int64
	writers []string
}

// NewIntegrator returns one for the ledger. It is not safe for concurrent use.
func (l *Ledger) NewIntegrator() *Integrator { return &Integrator{ledger: l} }

// Integrate takes the next entries into the log, at most a batch of them. more
// means that there can be further ones.
func (in *Integrator) Integrate(ctx context.Context) (more bool, err error) {
	// What was written by then is seen by all later queries.
	closed, err := in.writersAreGone(ctx)
	if err != nil {
		return false, err
	}
	tail, err := tailOf(ctx, in.ledger.read)
	if err != nil {
		return false, err
	}
	low := max(in.settled, tail.low)
	if !in.ledger.concurrent() {
		low = tail.high
	}
	leaves, err := in.ledger.unlogged(ctx, low, tail.high)
	if err != nil {
		return false, err
	}
	if len(leaves) > 0 {
		// Asked after the entries were read: none of them can have a column that this
		// release does not know, because its migration would have been there.
		if err := in.ledger.requireOwnTables(ctx, in.ledger.read); err != nil {
			return false, fmt.Errorf("ledger: the later release must keep the log: %w", err)
		}
		batch, err := tail.next(low, leaves)
		if err != nil {
			return false, err
		}
		if added, err := batch.insert(ctx, in.ledger.write); err != nil || !added {
			return true, err // another process was first, perhaps with other entries
		}
		tail = batch
	}
	more = len(leaves) == logBatchSize
	if closed && !more {
		in.settled, in.reached = in.reached, 0
	}
	return more, in.await(ctx, tail.high)
}

// writersAreGone reports whether every entry up to reached can be seen, if it was
// booked at all.
func (in *Integrator) writersAreGone(ctx context.Context) (bool, error) {
	if in.reached == 0 {
		return false, nil
	}
	open, err := in.ledger.writers(ctx)
	return !slices.ContainsFunc(in.writers, func(w string) bool { return slices.Contains(open, w) }), err
}

// await sets reached, unless it is set.
func (in *Integrator) await(ctx context.Context, high int64) (err error) {
	if in.reached != 0 || !in.ledger.concurrent() {
		return nil
	}
	in.reached = high
	in.writers, err = in.ledger.writers(ctx)
	return err
}

// concurrent reports whether transactions write at the same time, so that an entry
// with a lower seq can become visible after one with a higher.
func (l *Ledger) concurrent() bool { return l.engine.openWriters != "" }

// writers names the open transactions that have written to the ledger, or are about
// to.
func (l *Ledger) writers(ctx context.Context) (open []string, err error) {
	err = each(ctx, l.read, l.engine.openWriters, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		open = append(open, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read the open transactions: %w", err)
	}
	return open, nil
}

// unlogged reads entries that are not in the log, in the order of their seq: those
// after high, and those after low that were not visible before.
func (l *Ledger) unlogged(ctx context.Context, low, high int64) ([]leaf, error) {
	late, err := l.late(ctx, low, high)
	if err != nil {
		return nil, err
	}
	leaves := make([]leaf, 0, len(late))
	read := func(condition string, args ...any) error {
		return each(ctx, l.read, "SELECT "+entryColumns+" FROM ledger_entries e WHERE "+condition, args, func(scan func(...any) error) error {
			var r row
			if err := scan(r.columns()...); err != nil {
				return err
			}
			leaves = append(leaves, leaf{r.entry.Seq, r.fields().Hash()})
			return nil
		})
	}
	for _, seq := range late[:min(len(late), logBatchSize)] {
		if err := read("e.seq = $1", seq); err != nil {
			return nil, fmt.Errorf("ledger: read entry %d: %w", seq, err)
		}
	}
	if err := read("e.seq > $1 ORDER BY e.seq LIMIT $2", high, logBatchSize-len(leaves)); err != nil {
		return nil, fmt.Errorf("ledger: read entries: %w", err)
	}
	return leaves, nil
}

// late are the seqs after low up to high that are not in the log.
func (l *Ledger) late(ctx context.Context, low, high int64) ([]int64, error) {
	if low >= high {
		return nil, nil
	}
	logged := map[int64]bool{}
	err := each(ctx, l.read, selectBatch+"WHERE high > $1", []any{low}, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		for i := range b.entries() {
			logged[b.seq(i)] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read the log: %w", err)
	}
	var late []int64
	err = each(ctx, l.read, "SELECT e.seq FROM ledger_entries e WHERE e.seq > $1 AND e.seq <= $2 ORDER BY e.seq", []any{low, high}, func(scan func(...any) error) error {
		var seq int64
		err := scan(&seq)
		if !logged[seq] {
			late = append(late, seq)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read entries: %w", err)
	}
	return late, nil
}
