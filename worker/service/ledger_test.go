package service

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/testenv"
)

// TestLedgerThatTakesNoWrite makes a PostgreSQL read-only under a worker that runs:
// it answers queries, but the worker is not ready until it takes writes again.
func TestLedgerThatTakesNoWrite(t *testing.T) {
	t.Parallel()
	url, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	logs := &testenv.Log{}
	logger := slog.New(slog.NewTextHandler(logs, nil))
	failed := make(chan string, 1000)
	p := &pendingLedger{interval: 10 * time.Millisecond}
	opened, err := p.open(t.Context(), url, ledger.Options{}, logger)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	defer func() {
		stop()
		<-ended
		require.NoError(t, p.close())
	}()
	go func() {
		defer close(ended)
		p.watch(ctx, opened, func(operation string, _ time.Time, err error) {
			if err != nil {
				failed <- operation
			}
		}, logger)
	}()
	require.NoError(t, p.ready(t.Context()))

	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer db.Close()
	set := func(to string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = `+to+`', current_database()); END $$`)
		require.NoError(t, err)
	}
	set("on")
	require.Eventually(t, func() bool { return p.ready(t.Context()) != nil }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, opened.Ping(t.Context()), "queries are answered")
	require.EqualError(t, p.ready(t.Context()), "the database is read-only: let LEDGER_URL name the primary, or end what made it read-only: "+
		"default_transaction_read_only, a standby that was not promoted; calls wait until then")
	require.Equal(t, "try_write", <-failed)
	logged := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return logs.Count(text) > 0 }, 30*time.Second, 10*time.Millisecond)
		require.Equal(t, 1, logs.Count(text))
	}
	logged("the ledger takes no write")
	require.NoError(t, db.Close())
	db, err = sql.Open("pgx", url+"&default_transaction_read_only=off")
	require.NoError(t, err)
	set("off")
	require.Eventually(t, func() bool { return p.ready(t.Context()) == nil }, 30*time.Second, 10*time.Millisecond)
	logged("the ledger takes writes again")
}

// TestLedgerProblemIsInWords opens a ledger on a server that refuses, and on one
// that is not there: neither the log nor /readyz has the text of a driver.
func TestLedgerProblemIsInWords(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://someone:hunter22@127.0.0.1:1/books?sslmode=disable":  "the database refuses connections: start it, or correct host and port in LEDGER_URL; calls wait until then",
		"postgres://someone:hunter22@db.invalid:1/books?sslmode=disable": "the name of the database's host is not known: correct the host in LEDGER_URL, or the DNS of this machine; calls wait until then",
	} {
		_, err := ledger.Open(t.Context(), url, ledger.Options{})
		require.Error(t, err)
		require.EqualError(t, ledgerProblem(err), want)
	}
}
