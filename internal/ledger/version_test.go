package ledger_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

// testLaterRelease undoes a deploy: a later release has migrated the tables.
func testLaterRelease(t *testing.T, url string) {
	ctx := context.Background()
	l := open(t, url)
	charge(t, l, entry(t, "before", "run-1", "0.05"))
	db := openSQL(t, url)
	migrate := func(version int, statements ...string) {
		t.Helper()
		for _, s := range append(statements, "INSERT INTO ledger_migrations (version_id, is_applied) VALUES ("+strconv.Itoa(version)+", true)") {
			_, err := db.ExecContext(ctx, s)
			require.NoError(t, err, s)
		}
	}
	own := lastVersion(t)

	// Two additive migrations, the second of which needs the first.
	migrate(998, "ALTER TABLE ledger_entries ADD COLUMN cost_center TEXT NOT NULL DEFAULT ''", "CREATE TABLE ledger_of_tomorrow (id BIGINT PRIMARY KEY)",
		"INSERT INTO ledger_versions (version, oldest) VALUES (998, "+strconv.Itoa(own)+")")
	migrate(999, "INSERT INTO ledger_versions (version, oldest) VALUES (999, "+strconv.Itoa(own-1)+")")
	later, err := ledger.Open(ctx, url, ledger.Options{})
	require.NoError(t, err)
	defer later.Close()
	charge(t, later, entry(t, "after", "run-2", "0.05"))
	read, err := ledger.OpenReadOnly(ctx, url)
	require.NoError(t, err)
	defer read.Close()
	for _, id := range []string{"before", "after"} {
		entries, err := read.Get(ctx, testApp, id)
		require.NoError(t, err)
		require.Len(t, entries, 1)
	}

	// Only the later release knows what the new column does to a leaf.
	_, err = later.NewIntegrator().Integrate(ctx)
	require.ErrorAs(t, err, new(*ledger.VersionError))
	_, err = later.Verify(ctx, ledger.Evidence{}, func(ledger.Finding) {}, nil)
	require.ErrorAs(t, err, new(*ledger.VersionError))
	_, err = later.Prove(ctx, testApp, "after")
	require.ErrorAs(t, err, new(*ledger.VersionError))

	// One that needs its own release, then one that says nothing.
	for version, declaration := range map[int]string{1000: "INSERT INTO ledger_versions (version, oldest) VALUES (1000, 999)", 1001: "SELECT 1"} {
		migrate(version, declaration)
		for name, open := range map[string]func() error{
			"write": func() error { _, err := ledger.Open(ctx, url, ledger.Options{}); return err },
			"read":  func() error { _, err := ledger.OpenReadOnly(ctx, url); return err },
		} {
			err := open()
			require.ErrorAs(t, err, new(*ledger.VersionError), name)
			require.ErrorContains(t, err, "its tables are of version "+strconv.Itoa(version)+", made by a later release than this one, which knows version "+
				strconv.Itoa(own)+" and cannot work with them: run the later release")
		}
		_, err := db.ExecContext(ctx, "DELETE FROM ledger_migrations WHERE version_id >= 1000")
		require.NoError(t, err)
	}
}

// testVersionsDeclared fails for a migration without a row in ledger_versions.
func testVersionsDeclared(t *testing.T, url string) {
	open(t, url)
	var undeclared int
	require.NoError(t, openSQL(t, url).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM ledger_migrations m
WHERE m.version_id >= 6 AND NOT EXISTS (SELECT 1 FROM ledger_versions v WHERE v.version = m.version_id)`).Scan(&undeclared))
	require.Zero(t, undeclared, "a migration must insert its row: INSERT INTO ledger_versions (version, oldest); see migrations/sqlite/00006_versions.sql")
}

// lastVersion is the version of the last migration of this release.
func lastVersion(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("migrations/sqlite")
	require.NoError(t, err)
	number, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	version, err := strconv.Atoi(number)
	require.NoError(t, err)
	return version
}
