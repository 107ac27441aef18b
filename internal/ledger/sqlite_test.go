package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

func TestSQLiteReplaceChangesNothing(t *testing.T) {
	url := "sqlite://" + t.TempDir() + "/ledger.db"
	l := open(t, url)
	stored := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	db := openSQL(t, url)
	// The copy is of one connection.
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"INSERT OR REPLACE INTO ledger_tariffs (hash, edition) SELECT hash, '{}' FROM ledger_tariffs",
		"CREATE TEMP TABLE copy AS SELECT * FROM ledger_entries",
		"UPDATE copy SET amount = '0.01'",
		"INSERT OR REPLACE INTO ledger_entries SELECT * FROM copy",
		"UPDATE copy SET seq = NULL",
		"INSERT OR REPLACE INTO ledger_entries SELECT * FROM copy",
		"UPDATE copy SET seq = (SELECT seq FROM ledger_entries), key = 'charge:1:other'",
		"INSERT OR REPLACE INTO ledger_entries SELECT * FROM copy",
	} {
		_, err := db.ExecContext(context.Background(), statement)
		require.NoError(t, err, statement)
	}
	requireOnly(t, l, stored)
}

func TestSQLitePaths(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for url, file := range map[string]string{
		"sqlite://" + folder + "/absolute.db": "absolute.db",
		"sqlite:" + folder + "/one slash.db":  "one slash.db",
		"sqlite:relative.db":                  "relative.db",
		"sqlite:100%25 file: größe&x=1.db":    "100%25 file: größe&x=1.db",
		"sqlite:file:odd.db":                  "file:odd.db",
		"sqlite:./dotted.db":                  "dotted.db",
	} {
		charge(t, open(t, url), entry(t, "call-1", "run-1", "0.05"))
		info, err := os.Stat(filepath.Join(folder, file))
		require.NoError(t, err, url)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), url)
	}
}

// TestSQLiteConcurrentOpens: two processes seldom meet at the worst moment, so
// one round proves little.
func TestSQLiteConcurrentOpens(t *testing.T) {
	for range 20 {
		testConcurrentOpens(t, "sqlite://"+t.TempDir()+"/ledger.db")
	}
}

func TestSQLiteReadOnlyCreatesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	_, err := ledger.OpenReadOnly(context.Background(), "sqlite:"+path)
	require.ErrorIs(t, err, ledger.ErrMissing)
	_, err = os.Stat(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = ledger.OpenReadOnly(context.Background(), "mysql://db/ledger")
	require.ErrorAs(t, err, new(*ledger.URLError))
}

// TestSQLiteTariffIsStoredAgain: a database can be replaced by a backup that lacks a
// tariff version which the open ledger has stored before.
func TestSQLiteTariffIsStoredAgain(t *testing.T) {
	url := "sqlite://" + t.TempDir() + "/ledger.db"
	l := open(t, url)
	charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	db := openSQL(t, url)
	db.SetMaxOpenConns(1)
	execute(
		t, db, "PRAGMA foreign_keys = OFF", "DROP TRIGGER ledger_entries_no_delete", "DROP TRIGGER ledger_tariffs_no_delete",
		"DELETE FROM ledger_entries", "DELETE FROM ledger_tariffs",
	)
	_, _, err := l.Charge(context.Background(), entry(t, "call-2", "run-2", "0.05"))
	require.ErrorContains(t, err, "constraint")
	charge(t, l, entry(t, "call-2", "run-2", "0.05"))
	requireClean(t, l)
}
