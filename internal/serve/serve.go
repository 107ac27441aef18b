// Package serve runs HTTP listeners until a context ends.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

// Listener is one HTTP server.
type Listener struct {
	// Name is what logs, metrics and errors call it.
	Name    string
	Address string
	Handler http.Handler
	// Certificate makes it HTTPS; nil is for HTTP.
	Certificate *Certificate
	// Limits are DefaultLimits if they are zero.
	Limits Limits
}

// shutdownTimeout is many times as long as an answer takes.
const shutdownTimeout = 10 * time.Second

// HTTP opens the listeners, all or none, and serves them until ctx ends, and
// for drain longer, so that a load balancer has time to notice that the process
// is no longer ready. Each answer within that time closes its connection. Then
// HTTP accepts no new requests and waits for the current ones, one listener after
// the other in the order given.
func HTTP(ctx context.Context, logger *slog.Logger, reg prometheus.Registerer, drain time.Duration, listeners ...Listener) error {
	sockets := make([]net.Listener, 0, len(listeners))
	for _, l := range listeners {
		socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.Address)
		if err != nil {
			for _, s := range sockets {
				_ = s.Close() // not in use yet
			}
			return fmt.Errorf("listen for %s on %s: %w", l.Name, l.Address, err)
		}
		sockets = append(sockets, socket)
	}
	evictions, expiry := newEvictions(reg), newExpiry(reg)
	stopping := ctx
	group, ctx := errgroup.WithContext(ctx)
	servers := make([]*http.Server, len(listeners))
	for i, l := range listeners {
		connections := newConnections(sockets[i], l, evictions, logger)
		servers[i] = newServer(l, connections, closeConnectionsAfter(ctx, l.Handler), logger)
		logger.Info("listening", "listener", l.Name, "address", sockets[i].Addr().String())
		group.Go(func() error {
			if err := l.serve(servers[i], connections); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", l.Name, err)
			}
			return nil
		})
		if l.Certificate != nil {
			group.Go(func() error {
				l.Certificate.follow(ctx, l.Name, expiry, logger)
				return nil
			})
		}
	}
	group.Go(func() error {
		<-ctx.Done()
		if stopping.Err() != nil && drain > 0 { // not because a listener failed
			logger.Info("stopping: requests are still accepted for the drain time", "drain", drain)
			<-time.After(drain)
		}
		return shutdown(context.WithoutCancel(ctx), listeners, servers)
	})
	return group.Wait()
}

func (l Listener) serve(server *http.Server, socket net.Listener) error {
	if l.Certificate == nil {
		return server.Serve(socket)
	}
	server.TLSConfig = l.Certificate.config()
	return server.ServeTLS(socket, "", "")
}

// closeConnectionsAfter makes every answer after the end of ctx close its
// connection, so that the sender connects to another process. A connection
// that is closed at the end of the drain time instead might lose a request that
// is on its way.
func closeConnectionsAfter(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

func shutdown(ctx context.Context, listeners []Listener, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	var errs []error
	for i, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("shut down %s: %w", listeners[i].Name, err))
		}
	}
	return errors.Join(errs...)
}
