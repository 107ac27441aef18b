package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/internal/testenv"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// integrate takes all entries into the log.
func integrate(t testing.TB, in *ledger.Integrator) {
	t.Helper()
	for more := true; more; {
		var err error
		more, err = in.Integrate(context.Background())
		require.NoError(t, err)
	}
}

// requireLogged checks that the log holds all entries, each once, and agrees with
// them.
func requireLogged(t testing.TB, l *ledger.Ledger, entries int) {
	t.Helper()
	v, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) { t.Error(f) }, nil)
	require.NoError(t, err)
	require.EqualValues(t, entries, v.Entries)
	require.EqualValues(t, entries, v.Logged)
	require.Zero(t, v.Waiting)
}

func requireBatches(t testing.TB, url string, n int) {
	t.Helper()
	var batches int
	require.NoError(t, openSQL(t, url).QueryRowContext(context.Background(), "SELECT count(*) FROM ledger_log").Scan(&batches))
	require.Equal(t, n, batches)
}

// testSchemaFile compares the schema of a migrated database with the file that
// ledgers are verified by.
func testSchemaFile(t *testing.T, url string) {
	engine, text, err := open(t, url).SchemaText(context.Background())
	require.NoError(t, err)
	testenv.RequireFile(t, "schema/"+engine+".txt", text)
}

func testIntegrate(t *testing.T, url string) {
	l := open(t, url)
	in := l.NewIntegrator()
	integrate(t, in)
	requireBatches(t, url, 0)
	requireLogged(t, l, 0)

	bookSamples(t, l)
	v, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) { t.Error(f) }, nil)
	require.NoError(t, err)
	require.EqualValues(t, 6, v.Waiting, "booked, and not in the log yet")
	state, err := l.LogState(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 6, state.Waiting)
	require.False(t, state.WaitingSince.IsZero())

	integrate(t, in)
	requireBatches(t, url, 1)
	requireLogged(t, l, 6)
	for range 3 {
		integrate(t, in)
	}
	requireBatches(t, url, 1)
	charge(t, l, entry(t, "one-more", "run", "0.05"))
	integrate(t, l.NewIntegrator())
	requireBatches(t, url, 2)
	requireLogged(t, l, 7)
	state, err = l.LogState(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 7, state.Size)
	require.Zero(t, state.Waiting)
}

// testIntegrateExisting takes in what a ledger held before it had a log.
func testIntegrateExisting(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "seed", "run", "0.05"))
	execute(t, openSQL(t, url), copies("0.10", 2999))
	in := l.NewIntegrator()
	for batches := 1; batches <= 3; batches++ {
		more, err := in.Integrate(context.Background())
		require.NoError(t, err)
		require.True(t, more)
		requireBatches(t, url, batches)
	}
	integrate(t, in)
	requireBatches(t, url, 3)
	requireLogged(t, l, 3000)
}

// testIntegrateLateEntry books an entry in a transaction that is open while entries
// with a higher seq are taken in.
func testIntegrateLateEntry(t *testing.T, url string) {
	l := open(t, url)
	charge(t, l, entry(t, "seed", "run", "0.05"))
	db := openSQL(t, url)
	if !ledger.WritesConcurrently(url) {
		return // such a transaction would keep all others from writing
	}
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(context.Background(), copies("0.10", 2))
	require.NoError(t, err)

	in := l.NewIntegrator()
	for i := range 3 {
		charge(t, l, entry(t, fmt.Sprint("later-", i), "run", "0.05"))
		integrate(t, in)
	}
	requireLogged(t, l, 4)
	require.NoError(t, tx.Commit())
	integrate(t, in)
	requireLogged(t, l, 6)
	requireBatches(t, url, 4)
	require.Less(t, lastLow(t, url), int64(3), "the entry could still come")

	charge(t, l, entry(t, "last", "run", "0.05"))
	integrate(t, in)
	require.GreaterOrEqual(t, lastLow(t, url), int64(3), "all up to it are in the log")
	requireLogged(t, l, 7)
}

func lastLow(t *testing.T, url string) (low int64) {
	t.Helper()
	require.NoError(t, openSQL(t, url).QueryRowContext(context.Background(), "SELECT max(low) FROM ledger_log").Scan(&low))
	return low
}

// testIntegrateConcurrently has several processes charge, integrate and verify.
func testIntegrateConcurrently(t *testing.T, url string) {
	const integrators, chargers, calls = 3, 4, 60
	var charging atomic.Int64
	charging.Store(chargers)
	var group errgroup.Group
	for i := range chargers {
		l := open(t, url)
		group.Go(func() error {
			defer charging.Add(-1)
			for c := range calls {
				if _, _, err := l.Charge(context.Background(), entry(t, fmt.Sprintf("call-%d-%d", i, c), "run", "0.05")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range integrators {
		l := open(t, url)
		group.Go(func() error {
			in := l.NewIntegrator()
			for charging.Load() > 0 {
				if _, err := in.Integrate(context.Background()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	l := open(t, url)
	group.Go(func() error {
		for charging.Load() > 0 {
			var problem error
			_, err := l.Verify(context.Background(), ledger.Evidence{}, func(f ledger.Finding) { problem = fmt.Errorf("%s: %s", f.Key, f.Problem) }, nil)
			if err := errors.Join(err, problem); err != nil {
				return err
			}
			if _, err := l.MakeCheckpoint(context.Background(), ledgerlog.Key{}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, group.Wait())
	integrate(t, l.NewIntegrator())
	requireLogged(t, l, chargers*calls)
}

func testProve(t *testing.T, url string) {
	l := open(t, url)
	ctx := context.Background()
	bookSamples(t, l)
	_, err := l.Prove(ctx, testApp, "call-1")
	require.ErrorIs(t, err, ledger.ErrNoCheckpoint)
	private, public, err := ledgerlog.NewKey("ledger.example.com")
	require.NoError(t, err)
	var key ledgerlog.Key
	require.NoError(t, key.UnmarshalText([]byte(private)))
	keys, err := ledgerlog.ParsePublicKeys(public)
	require.NoError(t, err)
	empty, err := l.MakeCheckpoint(ctx, key)
	require.NoError(t, err)
	require.Zero(t, empty.Size)
	_, err = l.Prove(ctx, testApp, "call-1")
	require.ErrorIs(t, err, ledger.ErrNotProvable)

	in := l.NewIntegrator()
	integrate(t, in)
	for i := range 7 { // several batches, of one entry each
		charge(t, l, entry(t, fmt.Sprint("further-", i), "run", "0.05"))
		integrate(t, in)
	}
	made, err := l.MakeCheckpoint(ctx, key)
	require.NoError(t, err)
	last, err := l.LastCheckpoint(ctx)
	require.NoError(t, err)
	require.Equal(t, made, last)
	charge(t, l, entry(t, "after", "run", "0.05"))
	integrate(t, in)
	_, err = l.Prove(ctx, testApp, "after")
	require.ErrorIs(t, err, ledger.ErrNotProvable)

	for callID, n := range map[string]int{"call-1": 3, "call-2": 2, "call-3": 1, "further-0": 1, "further-6": 1} {
		receipt, err := l.Prove(ctx, testApp, callID)
		require.NoError(t, err)
		require.Len(t, receipt.Entries, n)
		trusted, err := keys.Verify(receipt.Checkpoint)
		require.NoError(t, err)
		require.Equal(t, made.Checkpoint, trusted)
		require.NoError(t, receipt.Check(trusted))
		for _, e := range receipt.Entries {
			require.Equal(t, callID, e.Entry.Get("call_id"))
		}
	}
}
