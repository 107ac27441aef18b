package testenv

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver pgx
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/programs"
)

// PostgresVariable is the environment variable for the URL of a server to use
// instead of a private one. Its user must be allowed to create databases.
const PostgresVariable = "AFTERCALL_TEST_POSTGRES_URL"

// postgres is the private server of this test process, started by the first
// test that needs it. It ends with the process.
var postgres struct {
	sync.Mutex
	url string
	// inputEnd is the write end of the server's standard input. It closes with
	// this process, however that ends, and with it the server.
	inputEnd  *os.File
	databases int
}

// Postgres gives the test an empty PostgreSQL database, which is removed after
// it. ok is false when the machine has no PostgreSQL; see the package on when
// that is a failure.
func Postgres(t testing.TB) (databaseURL string, ok bool) {
	t.Helper()
	postgres.Lock()
	defer postgres.Unlock()
	if postgres.url == "" {
		postgres.url = os.Getenv(PostgresVariable)
	}
	if postgres.url == "" {
		err := startPostgres(t)
		if missing := (*programs.MissingError)(nil); errors.As(err, &missing) {
			reportMissing(t, missing.Name, "apt-get install "+missing.Package+", or set "+PostgresVariable)
			return "", false
		}
		require.NoError(t, err)
	}
	postgres.databases++
	return createDatabase(t, fmt.Sprintf("aftercall_test_%d_%d", os.Getpid(), postgres.databases)), true
}

// runUntilInputEnds runs a server, which its arguments are, until its standard
// input ends, then removes its folder.
const runUntilInputEnds = `folder=$1; shift
"$@" </dev/null &
server=$!
cat
kill -INT $server
wait $server
rm -rf "$folder"`

// startPostgres makes a cluster in a folder of its own and starts its server.
func startPostgres(t testing.TB) error {
	t.Helper()
	folder, err := os.MkdirTemp("", "aftercall-postgres-")
	require.NoError(t, err)
	port := FreePort(t)
	server, err := programs.Postgres(folder, port, "max_connections=200", "fsync=off", "full_page_writes=off")
	if err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	require.NoError(t, err)
	defer log.Close()
	stdin, inputEnd, err := os.Pipe()
	require.NoError(t, err)
	defer stdin.Close()
	server.Args = append([]string{"-c", runUntilInputEnds, "sh", folder, server.Path}, server.Args...)
	server.Path = "/bin/sh"
	cmd := server.DetachedCommand() // lives until it has removed its folder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, log, log
	require.NoError(t, cmd.Start())

	postgres.url = programs.PostgresURL(port, "postgres")
	postgres.inputEnd = inputEnd
	db := openPostgres(t, postgres.url)
	defer db.Close()
	require.Eventually(t, func() bool { return db.PingContext(context.Background()) == nil },
		startTimeout, 50*time.Millisecond, "postgres did not come up")
	return nil
}

// createDatabase makes an empty database, which is removed after the test.
func createDatabase(t testing.TB, name string) string {
	t.Helper()
	db := openPostgres(t, postgres.url)
	defer db.Close()
	_, err := db.ExecContext(context.Background(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	server := postgres.url
	t.Cleanup(func() {
		db := openPostgres(t, server)
		defer db.Close()
		_, err := db.ExecContext(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func openPostgres(t testing.TB, server string) *sql.DB {
	t.Helper()
	require.True(t, strings.HasPrefix(server, "postgres"), "%s must begin with postgres://", PostgresVariable)
	db, err := sql.Open("pgx", server)
	require.NoError(t, err)
	return db
}
