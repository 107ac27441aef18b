package ledger_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/testenv"

	"github.com/stretchr/testify/require"
)

// trips counts how often a client of PostgreSQL spoke after it had listened.
type trips struct {
	mu       sync.Mutex
	speaking bool
	count    int
}

func (tr *trips) hear(fromClient bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if fromClient && !tr.speaking {
		tr.count++
	}
	tr.speaking = fromClient
}

func (tr *trips) since(before int) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.count - before
}

// pass copies one direction of a connection.
func (tr *trips) pass(to, from net.Conn, fromClient bool) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			tr.hear(fromClient)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// countTrips is a way to the server at databaseURL that counts round trips.
func countTrips(t *testing.T, databaseURL string) (counted string, tr *trips) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	tr = &trips{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				return
			}
			wg.Go(func() { tr.pass(upstream, client, true) })
			wg.Go(func() { tr.pass(client, upstream, false) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		wg.Wait()
	})
	u.Host = listener.Addr().String()
	return u.String(), tr
}

func TestPostgresChargeIsOneRoundTrip(t *testing.T) {
	databaseURL, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	counted, tr := countTrips(t, databaseURL)
	l := open(t, counted)
	charge(t, l, entry(t, "call-1", "run", "0.05")) // stores the tariff, prepares the statement
	before := tr.since(0)
	charge(t, l, entry(t, "call-2", "run", "0.05"))
	require.Equal(t, 1, tr.since(before))
	before = tr.since(0)
	_, _, err := l.Charge(context.Background(), entry(t, "call-2", "run", "0.05"))
	require.NoError(t, err)
	require.Positive(t, tr.since(before), "a duplicate is looked at: the first time that statement has to be prepared")
}

// TestPostgresAuditorNeedsOnlySelect reads everything as a user who could not
// book anything.
func TestPostgresAuditorNeedsOnlySelect(t *testing.T) {
	databaseURL, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	charge(t, open(t, databaseURL), entry(t, "call-1", "run-1", "0.05"))
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	auditor := "auditor_of_" + strings.TrimPrefix(u.Path, "/")
	db := openSQL(t, databaseURL)
	execute(t, db, "CREATE ROLE "+auditor+" LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+auditor)
	t.Cleanup(func() { execute(t, db, "DROP OWNED BY "+auditor, "DROP ROLE "+auditor) })
	u.User = url.User(auditor)

	l, err := ledger.OpenReadOnly(context.Background(), u.String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	requireClean(t, l)
	require.Equal(t, []string{"charge-1"}, keysOf(t, l, ledger.Filter{}))
	_, err = openSQL(t, u.String()).ExecContext(context.Background(), "UPDATE ledger_entries SET amount = '0.01'")
	require.ErrorContains(t, err, "permission denied")
}

func TestPostgresRefusesTruncate(t *testing.T) {
	databaseURL, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	l := open(t, databaseURL)
	stored := charge(t, l, entry(t, "call-1", "run-1", "0.05"))
	for _, statement := range []string{"TRUNCATE ledger_entries", "TRUNCATE ledger_tariffs CASCADE"} {
		_, err := openSQL(t, databaseURL).ExecContext(context.Background(), statement)
		require.ErrorContains(t, err, "append-only", statement)
	}
	requireOnly(t, l, stored)
}

// TestPostgresRecoversFromReadOnly makes the database read-only and writable again. A
// session keeps what it began with, so those of that time must not be used any more.
func TestPostgresRecoversFromReadOnly(t *testing.T) {
	databaseURL, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	database := "ALTER DATABASE " + strings.TrimPrefix(u.Path, "/")
	l := open(t, databaseURL)
	charge(t, l, entry(t, "call-1", "run", "0.05"))
	administrator := openSQL(t, databaseURL)
	execute(t, administrator, database+" SET default_transaction_read_only = on",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	ctx := context.Background()
	require.Eventually(t, func() bool {
		_, _, err := l.Charge(ctx, entry(t, "call-2", "run", "0.05"))
		problem, _ := ledger.Describe(err)
		return problem == "the database is read-only"
	}, time.Minute, 10*time.Millisecond)
	execute(t, administrator, database+" RESET default_transaction_read_only")
	charge(t, l, entry(t, "call-2", "run", "0.05"))
}
