package ledger_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"sync/atomic"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// page exports the entries of the log between two cursors.
func page(l *ledger.Ledger, f ledger.Filter, from, to uint64) ([]byte, error) {
	var out bytes.Buffer
	_, err := ledger.Export(&out, l.ListLogged(context.Background(), f, from, to))
	return out.Bytes(), err
}

// keysIn are the keys in pages, in their order.
func keysIn(t *testing.T, pages ...[]byte) (keys []string) {
	t.Helper()
	for _, p := range pages {
		rows, err := csv.NewReader(bytes.NewReader(p)).ReadAll()
		require.NoError(t, err)
		for _, row := range rows[1:] {
			keys = append(keys, row[1])
		}
	}
	return keys
}

func testListLogged(t *testing.T, url string) {
	l := open(t, url)
	none, err := page(l, ledger.Filter{}, 0, 0)
	require.NoError(t, err)
	require.Empty(t, keysIn(t, none))
	charge(t, l, entry(t, "seed", "run", "0.05"))
	execute(t, openSQL(t, url), copies("0.10", 1500))
	integrate(t, l.NewIntegrator())
	bookSamples(t, l)
	charge(t, l, entry(t, "not-in-the-log", "run", "0.05"))
	in := l.NewIntegrator()
	integrate(t, in)
	all, err := page(l, ledger.Filter{}, 0, 1508)
	require.NoError(t, err)
	require.Equal(t, keysOfAll(t, l), keysIn(t, all))

	// Pages of any size are parts of it, also within and across batches.
	var parts [][]byte
	for from := uint64(0); from < 1508; from += 333 {
		part, err := page(l, ledger.Filter{}, from, min(from+333, 1508))
		require.NoError(t, err)
		parts = append(parts, part)
	}
	require.Equal(t, keysIn(t, all), keysIn(t, parts...))
	selected, err := page(l, ledger.Filter{Payer: "10002", Kind: ledger.KindReversal}, 3, 1508)
	require.NoError(t, err)
	require.Equal(t, []string{"reversal:1400000000:call-2"}, keysIn(t, selected))

	_, err = page(l, ledger.Filter{}, 1500, 1509)
	require.ErrorContains(t, err, "the log has no entry 1508")
	db := openSQL(t, url)
	dropTriggers(t, url, db)
	execute(t, db, "DELETE FROM ledger_entries WHERE call_id = 'copy-7'")
	_, err = page(l, ledger.Filter{Payer: "10002"}, 0, 1508)
	require.ErrorContains(t, err, "the entry with seq 8 is in the log, as its entry 7, but not in the ledger")
}

// keysOfAll are the keys of all entries, in the order in which they were booked.
func keysOfAll(t *testing.T, l *ledger.Ledger) (keys []string) {
	t.Helper()
	for e, err := range l.List(context.Background(), ledger.Filter{}) {
		require.NoError(t, err)
		keys = append(keys, e.Key)
	}
	return keys
}

// testListLoggedConcurrently exports from cursor to cursor while entries are booked,
// integrated by several processes, and one is committed long after ones with a higher
// seq: the pages have every entry once, and repeating one gives the same bytes.
func testListLoggedConcurrently(t *testing.T, url string) {
	const chargers, calls = 3, 60
	ctx := context.Background()
	l := open(t, url)
	charge(t, l, entry(t, "seed", "run", "0.05"))
	db := openSQL(t, url)
	commitLate := func() error { return nil }
	late := 0
	if ledger.WritesConcurrently(url) {
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, copies("0.10", 2))
		require.NoError(t, err)
		commitLate, late = tx.Commit, 2
	}
	var charging atomic.Int64
	charging.Store(chargers)
	var group errgroup.Group
	for i := range chargers {
		writer := open(t, url)
		group.Go(func() error {
			defer charging.Add(-1)
			for c := range calls {
				if _, _, err := writer.Charge(ctx, entry(t, fmt.Sprintf("call-%d-%d", i, c), "run", "0.05")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 2 {
		in := open(t, url).NewIntegrator()
		group.Go(func() error {
			for charging.Load() > 0 {
				if _, err := in.Integrate(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	type span struct{ from, to uint64 }
	var spans []span
	var pages [][]byte
	next := uint64(0)
	export := func() error {
		state, err := l.LogState(ctx)
		if err != nil {
			return err
		}
		written, err := page(l, ledger.Filter{}, next, state.Size)
		spans, pages, next = append(spans, span{next, state.Size}), append(pages, written), state.Size
		return err
	}
	group.Go(func() error {
		for charging.Load() > 0 {
			if err := export(); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, group.Wait())
	integrate(t, l.NewIntegrator())
	require.NoError(t, commitLate())
	integrate(t, l.NewIntegrator())
	require.NoError(t, export())

	keys := keysIn(t, pages...)
	require.Len(t, keys, 1+late+chargers*calls)
	if late > 0 {
		require.Equal(t, []string{"charge:1400000000:copy-1", "charge:1400000000:copy-2"}, keys[len(keys)-late:], "committed last")
	}
	require.ElementsMatch(t, keysOfAll(t, l), keys)
	for i, s := range spans {
		again, err := page(l, ledger.Filter{}, s.from, s.to)
		require.NoError(t, err)
		require.Equal(t, pages[i], again)
	}
}
