package main

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/testenv"
)

// TestCutAfterCommit inserts rows through a network that cuts connections after the
// commit: what is inserted is there, and who inserted it got no answer.
func TestCutAfterCommit(t *testing.T) {
	direct, ok := testenv.Postgres(t)
	if !ok {
		return
	}
	address, err := url.Parse(direct)
	require.NoError(t, err)
	port, err := strconv.Atoi(address.Port())
	require.NoError(t, err)
	o := local.Options{Topology: local.Cluster, Ports: local.Ports{Postgres: port}, Environ: map[string]string{}}
	n, err := openNetwork(&o, 0)
	require.NoError(t, err)
	t.Cleanup(n.close)
	through, err := url.Parse(o.Environ["LEDGER_URL"])
	require.NoError(t, err)
	address.Host = through.Host

	open := func(url string) *sql.DB {
		db, err := sql.Open("pgx", url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	administrator, client := open(direct), open(address.String())
	_, err = administrator.ExecContext(t.Context(), "CREATE TABLE booked (id int PRIMARY KEY)")
	require.NoError(t, err)
	insert := func(id int) error {
		return client.QueryRowContext(t.Context(), "INSERT INTO booked VALUES ($1) RETURNING id", id).Scan(&id)
	}
	rows := func() (n int) {
		require.NoError(t, administrator.QueryRowContext(t.Context(), "SELECT count(*) FROM booked").Scan(&n))
		return n
	}
	require.NoError(t, insert(1))
	seen, err := n.disturb("ledger", answers, cutAfterCommit, nil)
	require.NoError(t, err)
	require.NoError(t, client.PingContext(t.Context()), "other answers pass")
	require.Zero(t, commitsPassed.sum(seen))
	require.ErrorContains(t, insert(2), "EOF")
	require.Equal(t, 2, rows())
	require.Equal(t, 1, commitsPassed.sum(seen))

	tx, err := client.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "INSERT INTO booked VALUES (3)")
	require.NoError(t, err, "it is not committed yet")
	require.Error(t, tx.Commit())
	require.Equal(t, 3, rows())

	n.heal("ledger")
	require.NoError(t, insert(4))
}

// TestCutSlowly disturbs a network a second time while the end of a connection is still
// under way, of which toxiproxy's own toxics panic.
func TestCutSlowly(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("long ", 1000))
	}))
	t.Cleanup(server.Close)
	o := local.Options{Ports: local.Ports{Tencent: server.Listener.Addr().(*net.TCPAddr).Port}, Environ: map[string]string{}}
	n, err := openNetwork(&o, 0)
	require.NoError(t, err)
	t.Cleanup(n.close)
	get := func() (int, error) {
		answer, err := http.Get(o.Environ["DEV_TENCENT_URL"])
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return len(body), err
	}
	ended := make(chan error, 3)
	for range 3 {
		seen, err := n.disturb("tencent", answers, cut, map[string]any{"slowness": slowness.Milliseconds()})
		require.NoError(t, err)
		go func() { _, err := get(); ended <- err }()
		require.Eventually(t, func() bool { return longAnswers.sum(seen) == 1 }, 10*time.Second, time.Millisecond)
		n.heal("tencent")
	}
	for range 3 {
		require.Error(t, <-ended)
	}
	length, err := get()
	require.NoError(t, err)
	require.Equal(t, 5000, length)
}

// TestCutOffAlone: one of two workers is cut off from what the other still reaches.
func TestCutOffAlone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	o := local.Options{Topology: local.Topology{Starters: 1, Workers: 2}, Ports: local.Ports{Tencent: port}, Environ: map[string]string{}}
	n, err := openNetwork(&o, 0)
	require.NoError(t, err)
	t.Cleanup(n.close)
	require.Len(t, o.PartEnviron, 1, "there is no other starter")
	get := func(environ map[string]string) error {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Get(environ["DEV_TENCENT_URL"])
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
	cutOff := o.PartEnviron["worker-2"]
	require.NoError(t, get(cutOff))
	n.refuse("worker-2")
	require.ErrorContains(t, get(cutOff), "connection refused")
	require.NoError(t, get(o.Environ))
	require.NoError(t, n.accept("worker-2"))
	require.NoError(t, get(cutOff))
}

// TestCutBlocksNobody: a connection that is cut takes what still comes, so that the toxic
// before it can be removed.
func TestCutBlocksNobody(t *testing.T) {
	for name, c := range map[string]struct {
		toxic toxics.Toxic
		last  []byte
	}{"cut": {&cutToxic{}, make([]byte, cutBytes)}, "commit": {&commitToxic{}, slices.Concat(inserted, idle)}} {
		t.Run(name, func(t *testing.T) {
			in, out := make(chan *stream.StreamChunk), make(chan *stream.StreamChunk)
			stub := toxics.NewToxicStub(in, out)
			ended := make(chan struct{})
			go func() { c.toxic.Pipe(stub); close(ended) }()
			in <- &stream.StreamChunk{Data: c.last}
			for range out { // until it is closed
			}
			for range 3 {
				select {
				case in <- &stream.StreamChunk{Data: []byte("more")}:
				case <-time.After(10 * time.Second):
					t.Fatal("the toxic takes nothing more")
				}
			}
			close(in)
			<-ended
		})
	}
}

// TestLateRequests: what is requested through a network that delays requests is done after
// whoever requested it has given up.
func TestLateRequests(t *testing.T) {
	var done atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { done.Add(1) }))
	t.Cleanup(server.Close)
	o := local.Options{Ports: local.Ports{Tencent: server.Listener.Addr().(*net.TCPAddr).Port}, Environ: map[string]string{}}
	n, err := openNetwork(&o, 0)
	require.NoError(t, err)
	t.Cleanup(n.close)
	seen, err := n.disturb("tencent", requests, "latency", map[string]any{"latency": 1000})
	require.NoError(t, err)
	hasty := http.Client{Timeout: 50 * time.Millisecond}
	_, err = hasty.Post(o.Environ["DEV_TENCENT_URL"], "text/plain", strings.NewReader("please"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, done.Load())
	require.Eventually(t, func() bool { return done.Load() == 1 }, 10*time.Second, time.Millisecond)
	require.Positive(t, bytesPassed.sum(seen))
}
