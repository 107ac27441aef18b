package temporalclient

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// watchTimes say when a connection counts as lost: nothing came over it for
// quiet, and then nothing for maxMissed probes, each of which had probe.
type watchTimes struct {
	quiet, probe time.Duration
}

// usualWatch notices a loss within 7 s: quiet, half of it until the next look,
// and two probes.
var usualWatch = watchTimes{quiet: 2 * time.Second, probe: 2 * time.Second}

const (
	maxMissed = 2
	// keepAliveTime is the shortest that gRPC accepts. Both are for connections
	// through a proxy, which are not watched.
	keepAliveTime    = 10 * time.Second
	keepAliveTimeout = 5 * time.Second
	// connectTimeout and maxBackoff keep a new connection from being late when
	// the network is there again.
	connectTimeout = 5 * time.Second
	minBackoff     = 200 * time.Millisecond
	maxBackoff     = 2 * time.Second
)

// connections are those to Temporal. A network that drops packets ends no
// connection, and gRPC's keepalive takes 15 s at best to notice. So a
// connection over which nothing comes is probed, and closed if that brings
// nothing: gRPC then opens another one, and calls that wait for an answer fail,
// to be repeated by their callers. A server that answers slowly does not matter:
// it answers the probes.
type connections struct {
	times  watchTimes
	logger *slog.Logger
	// probe makes the server send something. It is set before the first connection.
	probe func(context.Context) error

	mu   sync.Mutex
	open map[*connection]struct{}
	stop context.CancelFunc // of the watch, which runs while there are connections
}

func newConnections(times watchTimes, logger *slog.Logger) *connections {
	return &connections{times: times, logger: logger, open: map[*connection]struct{}{}}
}

// apply makes a client use and watch the connections.
func (s *connections) apply(options *client.Options) {
	o := &options.ConnectionOptions
	o.KeepAliveTime, o.KeepAliveTimeout = keepAliveTime, keepAliveTimeout
	o.DialOptions = append(o.DialOptions, grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: minBackoff, Multiplier: backoff.DefaultConfig.Multiplier, Jitter: backoff.DefaultConfig.Jitter, MaxDelay: maxBackoff},
		MinConnectTimeout: connectTimeout,
	}))
	if !proxied(options.HostPort) { // gRPC uses no proxy with a dialer that is not its own
		o.DialOptions = append(o.DialOptions, grpc.WithContextDialer(s.dial))
	}
}

// proxied reports whether the environment names a proxy for connections to hostPort.
func proxied(hostPort string) bool {
	if hostPort == "" {
		hostPort = client.DefaultHostPort
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: hostPort}})
	return err != nil || proxy != nil
}

func (s *connections) dial(ctx context.Context, address string) (net.Conn, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", strings.TrimPrefix(path, "//")
	}
	dialed, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: dialed, all: s}
	c.read.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	if s.stop == nil {
		// The context of the dial ends with it.
		watching, stop := context.WithCancel(context.WithoutCancel(ctx))
		s.stop = stop
		go s.watch(watching)
	}
	return c, nil
}

func (s *connections) closed(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	if len(s.open) == 0 && s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// watch runs until the last connection is closed.
func (s *connections) watch(ctx context.Context) {
	look := time.NewTicker(max(s.times.quiet/2, time.Millisecond))
	defer look.Stop()
	missed := map[*connection]int{}
	for {
		if len(missed) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
		}
		quiet := s.quiet(time.Now().Add(-s.times.quiet))
		start := time.Now()
		s.probeAll(ctx, len(quiet))
		if ctx.Err() != nil {
			return
		}
		again := map[*connection]int{}
		for _, c := range quiet {
			// gRPC may have sent the probes over other connections.
			if c.read.Load() >= start.UnixNano() || c.written.Load() < start.UnixNano() {
				continue
			}
			if again[c] = missed[c] + 1; again[c] >= maxMissed {
				s.logger.Warn("the connection to Temporal is silent and is replaced", "address", c.RemoteAddr().String(),
					"silent", time.Since(time.Unix(0, c.read.Load())).Round(time.Millisecond))
				delete(again, c)
				_ = c.Close() // gRPC notices
			}
		}
		missed = again
	}
}

// quiet are the connections over which nothing has come since.
func (s *connections) quiet(since time.Time) []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	var quiet []*connection
	for c := range s.open {
		if c.read.Load() < since.UnixNano() {
			quiet = append(quiet, c)
		}
	}
	return quiet
}

// probeAll sends n probes at once, because gRPC uses its connections in turn.
func (s *connections) probeAll(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, s.times.probe)
	defer cancel()
	var wg sync.WaitGroup
	for range n {
		// Whatever the answer is, it came over a connection.
		wg.Go(func() { _ = s.probe(ctx) })
	}
	wg.Wait()
}

// connection notes when it was last used.
type connection struct {
	net.Conn
	all           *connections
	read, written atomic.Int64 // Unix ns
}

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.read.Store(time.Now().UnixNano())
	}
	return n, err
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	c.written.Store(time.Now().UnixNano())
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.closed(c)
	return c.Conn.Close()
}
