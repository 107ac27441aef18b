package ledger_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// february is the month in which the calls of the tests ended.
var february = ledgerlog.Close{
	Month: "2026-02", Zone: "Asia/Shanghai", Operator: "bob \"the\nbooks\"",
	From: time.Date(2026, 1, 31, 16, 0, 0, 0, time.UTC).Unix(), To: time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC).Unix(),
}

// afterClose are the keys of the entries after the close of February.
func afterClose(t *testing.T, l *ledger.Ledger, f ledger.Filter) (keys []string) {
	t.Helper()
	c, err := l.ClosedMonth(context.Background(), "2026-02")
	require.NoError(t, err)
	for e, err := range l.ListAfterClose(context.Background(), f, c.Checkpoint) {
		require.NoError(t, err)
		keys = append(keys, e.Key)
	}
	return keys
}

func testCloseMonth(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	_, err := l.ClosedMonth(ctx, "2026-02")
	require.ErrorIs(t, err, ledger.ErrNotClosed)
	first := charge(t, l, entry(t, "before", "run", "0.05"))
	in := l.NewIntegrator()
	integrate(t, in)
	charge(t, l, entry(t, "not-in-the-log", "run", "0.05"))

	open := february
	open.Month, open.To = "2999-01", time.Date(2999, 2, 1, 0, 0, 0, 0, time.UTC).Unix()
	_, _, err = l.CloseMonth(ctx, open, ledgerlog.Key{})
	require.ErrorIs(t, err, ledger.ErrNotOver)
	nobody := february
	nobody.Operator = " "
	_, _, err = l.CloseMonth(ctx, nobody, ledgerlog.Key{})
	require.ErrorContains(t, err, "operator: is missing")
	c, closed, err := l.CloseMonth(ctx, february, ledgerlog.Key{})
	require.NoError(t, err)
	require.True(t, closed)
	require.EqualValues(t, 1, c.Size)
	require.Equal(t, february, c.Close)
	parsed, err := ledgerlog.ParseCheckpoint(c.Text)
	require.NoError(t, err)
	require.Equal(t, c.Checkpoint, parsed)
	last, err := l.LastCheckpoint(ctx)
	require.NoError(t, err)
	require.Equal(t, c, last)

	again := february
	again.Operator, again.Zone = "eve", "UTC"
	earlier, closed, err := l.CloseMonth(ctx, again, ledgerlog.Key{})
	require.NoError(t, err)
	require.False(t, closed)
	require.Equal(t, c, earlier)

	// What comes later is booked as ever, and listed.
	integrate(t, in)
	_, _, err = l.Reverse(ctx, first.Key, mistake)
	require.NoError(t, err)
	march := entry(t, "march", "run", "0.05")
	march.Record.StartTime, march.Record.AcceptTime, march.Record.EndTime = february.To-73, february.To-61, february.To
	charge(t, l, march)
	later := []string{"charge:1400000000:not-in-the-log", "reversal:1400000000:before"}
	require.Equal(t, later, afterClose(t, l, ledger.Filter{}))
	integrate(t, in)
	require.Equal(t, later, afterClose(t, l, ledger.Filter{}), "also once they are in the log")
	require.Equal(t, later[1:], afterClose(t, l, ledger.Filter{Kind: ledger.KindReversal, From: time.Unix(0, 0)}))
	requireClean(t, l)
}

// testCloseOfAnEmptyLog: all that is booked comes after it.
func testCloseOfAnEmptyLog(t *testing.T, url string) {
	l := open(t, url)
	_, _, err := l.CloseMonth(context.Background(), february, ledgerlog.Key{})
	require.NoError(t, err)
	require.Empty(t, afterClose(t, l, ledger.Filter{}))
	charge(t, l, entry(t, "later", "run", "0.05"))
	integrate(t, l.NewIntegrator())
	require.Equal(t, []string{"charge:1400000000:later"}, afterClose(t, l, ledger.Filter{}))
	requireClean(t, l)
}

// testCloseBeforeALateEntry closes while a transaction is open whose entries have a
// lower seq than those of the checkpoint.
func testCloseBeforeALateEntry(t *testing.T, url string) {
	if !ledger.WritesConcurrently(url) {
		return // such a transaction would keep all others from writing
	}
	ctx := context.Background()
	l := open(t, url)
	charge(t, l, entry(t, "seed", "run", "0.05"))
	tx, err := openSQL(t, url).BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(ctx, copies("0.10", 2))
	require.NoError(t, err)
	in := l.NewIntegrator()
	for i := range 3 {
		charge(t, l, entry(t, "before-"+strconv.Itoa(i), "run", "0.05"))
		integrate(t, in)
	}
	_, _, err = l.CloseMonth(ctx, february, ledgerlog.Key{})
	require.NoError(t, err)
	require.Empty(t, afterClose(t, l, ledger.Filter{}))
	require.NoError(t, tx.Commit())
	late := []string{"charge:1400000000:copy-1", "charge:1400000000:copy-2"}
	require.Equal(t, late, afterClose(t, l, ledger.Filter{}))
	for i := range 3 {
		integrate(t, in)
		charge(t, l, entry(t, "after-"+strconv.Itoa(i), "run", "0.05"))
	}
	require.Equal(t, append(late, "charge:1400000000:after-0", "charge:1400000000:after-1", "charge:1400000000:after-2"), afterClose(t, l, ledger.Filter{}))
	requireClean(t, l)
}

// testCloseConcurrently: of several who close a month at the same time, one does, and
// all see the same checkpoint.
func testCloseConcurrently(t *testing.T, url string) {
	const closers = 6
	var closes atomic.Int64
	found := make([]ledgerlog.Issued, closers)
	var group errgroup.Group
	for i := range closers {
		l := open(t, url)
		group.Go(func() (err error) {
			month := february
			month.Operator = strconv.Itoa(i)
			var closed bool
			if found[i], closed, err = l.CloseMonth(context.Background(), month, ledgerlog.Key{}); closed {
				closes.Add(1)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, closes.Load())
	for _, c := range found {
		require.Equal(t, found[0], c)
	}
	requireClean(t, open(t, url))
	var checkpoints int
	require.NoError(t, openSQL(t, url).QueryRowContext(context.Background(), "SELECT count(*) FROM ledger_checkpoints").Scan(&checkpoints))
	require.Equal(t, 1, checkpoints, "those that were not first left nothing")
}
