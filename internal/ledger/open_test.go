package ledger_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

func TestOpenRefusesUnusableURLs(t *testing.T) {
	for url, want := range map[string]string{
		"":                                       "is empty",
		"ledger.db":                              "has no scheme",
		"/var/lib/ledger.db":                     "has no scheme",
		"mysql://me:canary@db/ledger":            "LEDGER_URL must be sqlite: and the path of a file, as in sqlite:/var/lib/aftercall/ledger.db, or postgres://user:password@host/database",
		"sqlite:":                                "names no file",
		"sqlite://":                              "names a host",
		"sqlite:///":                             "names no file",
		"sqlite://canary/ledger.db":              "names a host",
		"sqlite::memory:":                        "in memory",
		"sqlite:ledger.db?mode=canary":           "has options",
		"sqlite:/canary-nowhere/ledger.db":       "the folder /canary-nowhere does not exist",
		"postgres://me:canary@host:notaport/db":  "not a usable PostgreSQL URL",
		"postgres://me:canary@host/db?sslmode=x": "not a usable PostgreSQL URL",
		"postgres://me:canary@127.0.0.1:1/db?connect_timeout=1": "ledger:",
	} {
		_, err := ledger.Open(context.Background(), url, ledger.Options{})
		require.ErrorContains(t, err, want, url)
		if want[0] != 't' {
			require.NotContains(t, err.Error(), "canary", url)
		}
	}
}

func testMigrationLog(t *testing.T, url string) {
	var log bytes.Buffer
	options := ledger.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for range 2 {
		l, err := ledger.Open(context.Background(), url, options)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
	migrations, err := os.ReadDir("migrations/sqlite")
	require.NoError(t, err)
	require.Equal(t, len(migrations), strings.Count(log.String(), "ledger migrated"), "each migration once: %s", log.String())
}

func TestValidateURL(t *testing.T) {
	for _, url := range []string{
		"sqlite:ledger.db", "sqlite:///var/lib/ledger.db", "postgres://me:secret@host/db", "postgresql://me:secret@host:5433/db?sslmode=disable",
	} {
		require.NoError(t, ledger.ValidateURL(url), url)
	}
	var problem *ledger.URLError
	require.ErrorAs(t, ledger.ValidateURL("sqlite:"), &problem)
	require.Equal(t, "names no file: write sqlite: and the path of a file, as in sqlite:/var/lib/aftercall/ledger.db", problem.Problem)
}

func testOpenCanceled(t *testing.T, url string) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := ledger.Open(ctx, url, ledger.Options{})
	require.ErrorIs(t, err, context.Canceled)
}
