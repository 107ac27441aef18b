package serve

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aftercall/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var discard = slog.New(slog.DiscardHandler)

// TestCurrentRequestIsAnswered stops the server during a request.
func TestCurrentRequestIsAnswered(t *testing.T) {
	arrived, proceed := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-proceed
		_, _ = io.WriteString(w, "done")
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- HTTP(ctx, discard, prometheus.NewRegistry(), 0, Listener{Name: "test", Address: address, Handler: handler})
	}()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answers := make(chan string, 1)
	go func() {
		for {
			resp, err := client.Get("http://" + address)
			if err != nil {
				continue // not listening yet
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			answers <- string(body)
			return
		}
	}()
	<-arrived
	stop()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 30*time.Second, 5*time.Millisecond, "new requests are not accepted")
	close(proceed)
	require.Equal(t, "done", <-answers)
	require.NoError(t, <-served)
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	err = HTTP(context.Background(), discard, prometheus.NewRegistry(), time.Hour,
		Listener{Name: "callbacks", Address: "127.0.0.1:0"}, Listener{Name: "admin", Address: l.Addr().String()})
	require.ErrorContains(t, err, "listen for admin on "+l.Addr().String())
}

// TestDrain checks that requests are accepted on new connections within the
// drain time, that each answer closes its connection, and that a listener is
// closed after it.
func TestDrain(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- HTTP(ctx, discard, prometheus.NewRegistry(), 2*time.Second, Listener{Name: "test", Address: address, Handler: handler})
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	get := func() (*http.Response, error) {
		resp, err := client.Get("http://" + address)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		return resp, err
	}
	require.Eventually(t, func() bool {
		resp, err := get()
		return err == nil && !resp.Close
	}, 30*time.Second, 5*time.Millisecond)
	stop()
	answered := 0
	require.Eventually(t, func() bool {
		resp, err := get()
		if err == nil {
			answered++
			require.True(t, resp.Close, "the answer closes the connection")
		}
		return err != nil
	}, 30*time.Second, 20*time.Millisecond)
	require.Greater(t, answered, 2, "on connections opened within the drain time")
	require.NoError(t, <-served)
}
