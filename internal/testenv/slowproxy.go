package testenv

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SlowProxy returns the address of a TCP proxy to another one, with a round trip
// time. Opening a connection takes no time, unlike over a slow network.
func SlowProxy(t testing.TB, to string, roundTrip time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("tcp", to)
			if err != nil {
				front.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, front, back)
			mu.Unlock()
			wg.Go(func() { passSlowly(front, back, roundTrip/2) })
			wg.Go(func() { passSlowly(back, front, roundTrip/2) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// passSlowly passes on what it reads after a delay, in order.
func passSlowly(to, from net.Conn, delay time.Duration) {
	type chunk struct {
		data []byte
		at   time.Time
	}
	chunks := make(chan chunk, 1024)
	defer close(chunks)
	go func() {
		defer to.Close()
		for c := range chunks {
			<-time.After(time.Until(c.at))
			_, _ = to.Write(c.data) // a closed connection ends the reader
		}
	}()
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			chunks <- chunk{buffer[:n], time.Now().Add(delay)}
		}
		if err != nil {
			return
		}
	}
}
