package ledger

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// ListLogged reads those entries of the log from an index, inclusive, to another,
// exclusive, that the filter selects, in the order of the log. That order never
// changes, and entries that are booked later only follow, unlike those of List: with
// transactions that write at the same time, an entry can become visible after ones
// with a higher seq. It holds a batch of the log in memory. The first error ends the
// sequence; an entry that the log has and the ledger has not is one.
func (l *Ledger) ListLogged(ctx context.Context, f Filter, from, to uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for from < to {
			entries, next, err := l.loggedFrom(ctx, f, from, to)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			from = next
		}
	}
}

// loggedFrom reads the entries from an index to the end of its batch, at most up to
// another index. next is the index after them.
func (l *Ledger) loggedFrom(ctx context.Context, f Filter, from, to uint64) (entries []Entry, next uint64, err error) {
	b, ok, err := batchWhere(ctx, l.read, "WHERE first_index <= $1 ORDER BY first_index DESC LIMIT 1", from)
	if err == nil && (!ok || b.size <= from) {
		err = fmt.Errorf("ledger: the log has no entry %d: verify the ledger", from)
	}
	if err != nil {
		return nil, 0, err
	}
	next = min(b.size, to)
	seqs := make([]int64, 0, next-from)
	for i := from; i < next; i++ {
		seqs = append(seqs, b.seq(int(i-b.first))) //nolint:gosec // less than the size of a batch
	}
	found, err := l.bySeq(ctx, f, seqs)
	if err != nil {
		return nil, 0, err
	}
	for i, seq := range seqs {
		e, ok := found[seq]
		if !ok {
			return nil, 0, fmt.Errorf("ledger: the entry with seq %d is in the log, as its entry %d, but not in the ledger: verify it", seq, from+uint64(i))
		}
		if e.selected {
			entries = append(entries, e.Entry)
		}
	}
	return entries, next, nil
}

// selectable is an entry that a filter selects or not.
type selectable struct {
	Entry
	selected bool
}

// bySeq reads entries, also those that the filter does not select.
func (l *Ledger) bySeq(ctx context.Context, f Filter, seqs []int64) (map[int64]selectable, error) {
	condition, args := f.condition()
	places := make([]string, len(seqs))
	for i, seq := range seqs {
		args = append(args, seq)
		places[i] = "$" + strconv.Itoa(len(args))
	}
	query := "SELECT " + entryColumns + ", t.edition, (" + condition + ") FROM ledger_entries e JOIN ledger_tariffs t ON t.hash = e.tariff_hash WHERE e.seq IN (" + strings.Join(places, ", ") + ")"
	found := make(map[int64]selectable, len(seqs))
	err := each(ctx, l.read, query, args, func(scan func(...any) error) error {
		var s selectable
		var err error
		s.Entry, err = scanEntry(func(into ...any) error { return scan(append(into, &s.selected)...) })
		found[s.Seq] = s
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read entries of the log: %w", err)
	}
	return found, nil
}
