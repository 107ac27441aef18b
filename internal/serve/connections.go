package serve

import (
	"container/list"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/time/rate"
)

// connections is a net.Listener with a limit of open connections. A listener
// that accepts no more at its limit can be filled by anyone and then shuts out
// everyone. This one closes the connection in which nothing has happened for the
// longest time. Whoever wants to shut out others must open as many connections
// as the limit within the milliseconds that a callback takes.
type connections struct {
	net.Listener
	limit   int
	evicted func()

	mu sync.Mutex
	// open has a *connection in each element, in the order of their last use.
	open *list.List
}

// connection is an open one. Its element is guarded by the mutex of all.
type connection struct {
	net.Conn
	all     *connections
	element *list.Element
}

func newEvictions(reg prometheus.Registerer) *prometheus.CounterVec {
	return promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "aftercall_connections_evicted_total",
		Help: "Connections closed because too many were open, the longest idle ones first, by listener.",
	}, []string{"listener"})
}

func newConnections(socket net.Listener, l Listener, evictions *prometheus.CounterVec, logger *slog.Logger) *connections {
	counter, limit := evictions.WithLabelValues(l.Name), l.limits().Connections
	warn := &rate.Sometimes{First: 1, Interval: logInterval}
	return &connections{Listener: socket, limit: limit, open: list.New(), evicted: func() {
		counter.Inc()
		warn.Do(func() {
			logger.Warn("too many connections are open: the longest idle ones are closed", "listener", l.Name, "limit", limit)
		})
	}}
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: accepted, all: c}
	if oldest := c.add(conn); oldest != nil {
		_ = oldest.Close() // whatever is left of it is not needed
		c.evicted()
	}
	return conn, nil
}

// add returns the connection whose place conn takes, nil if there was room.
func (c *connections) add(conn *connection) (oldest *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open.Len() >= c.limit {
		oldest, _ = c.open.Front().Value.(*connection)
	}
	conn.element = c.open.PushBack(conn)
	return oldest
}

// connectionKey is the key of a *connection in the contexts of its requests.
type connectionKey struct{}

// connContext is the ConnContext of the server.
func connContext(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// noting notes the begin and the end of each request, of which an HTTP/2
// connection may have several at once. http.Server.ConnState tells only when there
// is a first and when there is none.
func (c *connections) noting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connectionKey{}).(*connection); ok {
			c.used(conn)
			defer c.used(conn)
		}
		h.ServeHTTP(w, r)
	})
}

func (c *connections) used(conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open.MoveToBack(conn.element) // no effect on one that has been closed
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.open.Remove(c.element)
	c.all.mu.Unlock()
	return c.Conn.Close()
}
