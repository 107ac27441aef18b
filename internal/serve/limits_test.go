package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// started is a server of HTTP on an address of its own.
type started struct {
	t       *testing.T
	address string
	reg     *prometheus.Registry
	log     *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// start serves l on a free port until the test ends.
func start(t *testing.T, l Listener) *started {
	t.Helper()
	s := &started{t: t, reg: prometheus.NewRegistry(), log: &lockedBuffer{}}
	l.Name, l.Address = "test", "127.0.0.1:0"
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func() { served <- HTTP(ctx, logger, s.reg, 0, l) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	require.Eventually(t, func() bool {
		_, address, found := strings.Cut(s.log.String(), "address=")
		s.address, _, _ = strings.Cut(address, "\n")
		return found
	}, 30*time.Second, time.Millisecond)
	return s
}

// open opens a connection and writes text.
func (s *started) open(text string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, _ = io.WriteString(conn, text) // the other end may have closed it
	return conn
}

// get is the status of a whole request on a connection of its own.
func (s *started) get() int {
	s.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(s.open("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), nil)
	require.NoError(s.t, err)
	require.NoError(s.t, resp.Body.Close())
	return resp.StatusCode
}

// evicted is how many connections gave way to others.
func (s *started) evicted() int {
	s.t.Helper()
	families, err := s.reg.Gather()
	require.NoError(s.t, err)
	for _, family := range families {
		if family.GetName() == "aftercall_connections_evicted_total" {
			return int(family.GetMetric()[0].GetCounter().GetValue())
		}
	}
	return 0
}

// requireClosed waits until the other end has closed conn.
func requireClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "still open")
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

const (
	unfinishedHeader = "POST /foo HTTP/1.1\r\nHost: x\r\nX-A: "
	missingBody      = "POST /foo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
)

// TestUnfinishedRequestsEnd has requests of which the rest never comes, to a
// handler that does not wait for it.
func TestUnfinishedRequestsEnd(t *testing.T) {
	t.Parallel()
	limits := DefaultLimits()
	limits.Header, limits.Read, limits.Idle = 200*time.Millisecond, 300*time.Millisecond, 400*time.Millisecond
	s := start(t, Listener{Handler: ok, Limits: limits})
	for name, text := range map[string]string{
		"nothing": "", "half a head": unfinishedHeader, "no body": missingBody, "half a body": missingBody + "{",
		"no next request": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) { requireClosed(t, s.open(text)) })
	}
}

func TestDefaultLimits(t *testing.T) {
	server := newServer(Listener{}, &connections{}, ok, discard)
	require.Equal(t, 10*time.Second, server.ReadTimeout)
	require.Equal(t, 5*time.Second, server.ReadHeaderTimeout)
	require.Equal(t, 2*time.Minute, server.IdleTimeout)
	require.Equal(t, 16<<10, server.MaxHeaderBytes+slop)
	require.LessOrEqual(t, DefaultLimits().Connections, maxConnections)
	require.Positive(t, DefaultLimits().Connections)
}

// TestLargeHead sends a head without end.
func TestLargeHead(t *testing.T) {
	t.Parallel()
	s := start(t, Listener{Handler: ok})
	conn := s.open(unfinishedHeader + strings.Repeat("a", DefaultLimits().HeaderSize))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}

// TestHeldConnectionsShutNobodyOut fills a listener several times over.
func TestHeldConnectionsShutNobodyOut(t *testing.T) {
	limits := DefaultLimits()
	limits.Connections = 10
	s := start(t, Listener{Handler: ok, Limits: limits})
	var held []net.Conn
	for range 3 {
		for _, text := range []string{"", unfinishedHeader, missingBody} {
			for range limits.Connections {
				held = append(held, s.open(text))
			}
		}
		require.Equal(t, http.StatusOK, s.get(), "a request of someone else is answered")
	}
	for _, conn := range held[:len(held)-limits.Connections] {
		requireClosed(t, conn)
	}
	evicted, err := testutil.GatherAndCount(s.reg, "aftercall_connections_evicted_total")
	require.NoError(t, err)
	require.Equal(t, 1, evicted)
	require.Equal(t, 1, strings.Count(s.log.String(), "too many connections are open"), "the log is not flooded")
}

// TestUsedConnectionStays: a connection with requests on it outlives those that
// are only held.
func TestUsedConnectionStays(t *testing.T) {
	limits := DefaultLimits()
	limits.Connections = 5
	held := make(chan struct{}, 1)
	s := start(t, Listener{Limits: limits, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			held <- struct{}{}
		}
	})})
	used := s.open("")
	answers := bufio.NewReader(used)
	for range 4 * limits.Connections {
		_, err := io.WriteString(used, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		// Until the server has it: if it took several at once, after a pause, this connection
		// would be the one used least.
		s.open(missingBody)
		<-held
	}
	require.Positive(t, s.evicted())
}

// fullListener has no file for the first connections.
type fullListener struct {
	net.Listener
	failures int
}

func (l *fullListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return nil, net.ErrClosed
}

func (*fullListener) Close() error { return nil }

func TestTooManyOpenFilesIsAnError(t *testing.T) {
	log := &lockedBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	full := &fullListener{failures: 6}
	connections := newConnections(full, Listener{Name: "callbacks"}, newEvictions(prometheus.NewRegistry()), logger)
	err := newServer(Listener{Name: "callbacks"}, connections, ok, logger).Serve(connections)
	require.ErrorIs(t, err, net.ErrClosed)
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "too many open files")
	require.Equal(t, 3, strings.Count(log.String(), "\n"), "the log is not flooded")
}

func TestPanicIsAnErrorAndHandshakesAreNot(t *testing.T) {
	log := &lockedBuffer{}
	lines := newServerLog("callbacks", slog.New(slog.NewTextHandler(log, nil)))
	for _, line := range []string{
		"http: TLS handshake error from 1.2.3.4:5: EOF\n",
		"http2: server connection error from 1.2.3.4:5: connection error: PROTOCOL_ERROR\n",
	} {
		_, err := io.WriteString(lines, line)
		require.NoError(t, err)
	}
	require.Empty(t, log.String())
	s := start(t, Listener{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New("a defect")) })})
	requireClosed(t, s.open("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.Eventually(t, func() bool {
		return strings.Contains(s.log.String(), "level=ERROR") && strings.Contains(s.log.String(), "a defect")
	}, 30*time.Second, time.Millisecond)
}
