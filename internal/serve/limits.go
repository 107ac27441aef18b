package serve

import (
	"log"
	"log/slog"
	"net/http"
	"time"
)

// Limits are what one sender may use of a listener, whoever it is.
type Limits struct {
	// Connections that are open at once. At the limit a new one takes the place of
	// the one in which nothing has happened for the longest time.
	Connections int
	// HeaderSize is of a request's head, in bytes, 8 KiB or more.
	HeaderSize int
	// Header is the time for a request's head or a TLS handshake, Read for a whole
	// request, Write for its answer, and Idle for the next request.
	Header, Read, Write, Idle time.Duration
}

// maxConnections is more than a burst of callbacks on connections of their own: one that
// is closed for another leaves its callback without an answer.
const maxConnections = 8192

// DefaultLimits are far above what Tencent, Prometheus and people need.
func DefaultLimits() Limits {
	return Limits{
		Connections: connectionLimit(), HeaderSize: 16 << 10,
		Header: 5 * time.Second, Read: 10 * time.Second, Write: 30 * time.Second,
		// Longer than load balancers keep a connection that they do not use, so that
		// they, and not this end, close it.
		Idle: 2 * time.Minute,
	}
}

// streams are the requests under way on a connection of HTTP/2.
const streams = 50

// slop is what net/http reads beyond MaxHeaderBytes.
const slop = 4096

func newServer(l Listener, connections *connections, h http.Handler, logger *slog.Logger) *http.Server {
	limits := l.limits()
	return &http.Server{
		Handler:           connections.noting(h),
		ReadHeaderTimeout: limits.Header,
		ReadTimeout:       limits.Read,
		WriteTimeout:      limits.Write,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    limits.HeaderSize - slop,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          streams,
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			MaxReceiveBufferPerConnection: streams * 16 << 10,
		},
		ConnContext: connContext,
		ErrorLog:    log.New(newServerLog(l.Name, logger), "", 0),
	}
}

func (l Listener) limits() Limits {
	if l.Limits == (Limits{}) {
		return DefaultLimits()
	}
	return l.Limits
}
