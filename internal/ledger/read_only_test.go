package ledger_test

import (
	"context"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

func testOpenReadOnly(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	read, err := ledger.OpenReadOnly(ctx, url)
	require.NoError(t, err)
	defer read.Close()
	charge(t, l, entry(t, "call-2", "run-2", "0.05"))
	entries, err := read.Get(ctx, testApp, "call-2")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	_, _, err = read.Charge(ctx, entry(t, "call-3", "run-3", "0.05"))
	require.Error(t, err, "it takes nothing")

	db := openSQL(t, url)
	_, err = db.ExecContext(ctx, "INSERT INTO ledger_migrations (version_id, is_applied) VALUES (999, true)")
	require.NoError(t, err)
	_, err = ledger.OpenReadOnly(ctx, url)
	require.ErrorContains(t, err, "run the later release")
	_, err = db.ExecContext(ctx, "DELETE FROM ledger_migrations WHERE version_id > 1")
	require.NoError(t, err)
	_, err = ledger.OpenReadOnly(ctx, url)
	require.ErrorContains(t, err, "start the worker")
	_, err = db.ExecContext(ctx, "DROP TABLE ledger_migrations")
	require.NoError(t, err)
	_, err = ledger.OpenReadOnly(ctx, url)
	require.ErrorIs(t, err, ledger.ErrMissing)
}
