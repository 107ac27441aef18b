package ledger_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"

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

func TestAChargeIsOneRoundTrip(t *testing.T) {
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
