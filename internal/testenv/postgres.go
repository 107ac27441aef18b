package testenv

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver pgx
	"github.com/stretchr/testify/require"
)

// PostgresVariable is the URL of a server to use in place of a private one. Its
// user must be allowed to create databases.
const PostgresVariable = "AFTERCALL_TEST_POSTGRES_URL"

// postgres is the private server of this test process, started by the first
// test that wants it. It ends with the process.
var postgres struct {
	sync.Mutex
	url string
	// alive is the end of a pipe. The server lives until it closes, which it
	// does however this process ends.
	alive     *os.File
	databases int
}

// Postgres gives the test an empty PostgreSQL database, removed at its end. ok
// is false when the machine has no PostgreSQL; see the package on when that is
// a failure.
func Postgres(t testing.TB) (databaseURL string, ok bool) {
	t.Helper()
	postgres.Lock()
	defer postgres.Unlock()
	if postgres.url == "" {
		postgres.url = os.Getenv(PostgresVariable)
	}
	if postgres.url == "" {
		bin, found := postgresBinaries()
		if !found {
			missing(t, "postgres", "apt-get install postgresql, or set "+PostgresVariable)
			return "", false
		}
		startPostgres(t, bin)
	}
	postgres.databases++
	return createDatabase(t, fmt.Sprintf("aftercall_test_%d_%d", os.Getpid(), postgres.databases)), true
}

// postgresBinaries finds the folder of initdb and postgres: that of PATH, or
// the newest of those where Debian keeps them.
func postgresBinaries() (folder string, found bool) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), true
	}
	best := 0
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, f := range folders {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil || version <= best {
			continue
		}
		if _, err := os.Stat(filepath.Join(f, "initdb")); err == nil {
			best, folder = version, f
		}
	}
	return folder, best > 0
}

// serve runs the server until its standard input closes, then removes its folder.
const serve = `"$1/postgres" -D "$2/data" -c listen_addresses=127.0.0.1 -c port="$3" -c unix_socket_directories= \
  -c max_connections=200 -c fsync=off -c full_page_writes=off </dev/null &
server=$!
cat
kill -INT $server
wait $server
rm -rf "$2"`

// startPostgres makes a cluster in a folder of its own and starts it.
func startPostgres(t testing.TB, bin string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "aftercall-postgres-")
	require.NoError(t, err)
	attributes := unprivileged(t, folder)
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr = folder, attributes
		return cmd
	}
	out, err := run(filepath.Join(bin, "initdb"), "-D", filepath.Join(folder, "data"),
		"-U", "aftercall", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	require.NoError(t, err, "initdb: %s", out)

	port := FreePort(t)
	log, err := os.Create(filepath.Join(folder, "log"))
	require.NoError(t, err)
	defer log.Close()
	stdin, alive, err := os.Pipe()
	require.NoError(t, err)
	defer stdin.Close()
	server := run("/bin/sh", "-c", serve, "sh", bin, folder, strconv.Itoa(port))
	server.Stdin, server.Stdout, server.Stderr = stdin, log, log
	require.NoError(t, server.Start())

	postgres.url = fmt.Sprintf("postgres://aftercall@127.0.0.1:%d/postgres?sslmode=disable", port)
	postgres.alive = alive
	db := openPostgres(t, postgres.url)
	defer db.Close()
	require.Eventually(t, func() bool { return db.PingContext(context.Background()) == nil },
		30*time.Second, 50*time.Millisecond, "postgres did not come up")
}

// createDatabase makes an empty database and has it removed after the test.
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
