// Package released has small ledgers that the code of earlier schemas wrote, to test
// that this release takes them over. make.sh says which commits wrote them, and adds
// others.
package released

import (
	"embed"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

//go:embed *.db *.sql
var files embed.FS

// Versions are the schemas of the ledgers: the oldest, the first with a log and with
// corrections, one with adjustments, and the newest one.
var Versions = []string{"00001", "00007", "00010", "00012"}

// Ledger writes the ledger of a schema to where a URL points: a file that does not exist
// yet, or an empty database of PostgreSQL.
func Ledger(t testing.TB, url, version string) {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		data, err := files.ReadFile(version + ".db")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return
	}
	data, err := files.ReadFile(version + ".sql")
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.PgConn().Exec(t.Context(), string(data)).ReadAll()
	require.NoError(t, err)
}
