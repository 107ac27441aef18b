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

	"golang.org/x/sync/errgroup"
)

// Listener is one HTTP server.
type Listener struct {
	// Name is what logs and errors call it.
	Name    string
	Address string
	Handler http.Handler
}

const (
	// drainTimeout is many times as long as an answer takes.
	drainTimeout = 10 * time.Second
	// headerTimeout keeps a slow sender from holding a connection.
	headerTimeout = 5 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
)

// HTTP opens the listeners, all or none, and serves them until ctx ends. Then
// it accepts no new requests and waits for the current ones, one listener after
// the other in the order given.
func HTTP(ctx context.Context, logger *slog.Logger, listeners ...Listener) error {
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
	group, ctx := errgroup.WithContext(ctx)
	servers := make([]*http.Server, len(listeners))
	for i, l := range listeners {
		servers[i] = &http.Server{
			Handler:           l.Handler,
			ReadHeaderTimeout: headerTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		}
		logger.Info("listening", "listener", l.Name, "address", sockets[i].Addr().String())
		group.Go(func() error {
			if err := servers[i].Serve(sockets[i]); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", l.Name, err)
			}
			return nil
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		return drain(context.WithoutCancel(ctx), listeners, servers)
	})
	return group.Wait()
}

func drain(ctx context.Context, listeners []Listener, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	var errs []error
	for i, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("drain %s: %w", listeners[i].Name, err))
		}
	}
	return errors.Join(errs...)
}
