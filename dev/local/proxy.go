package local

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"aftercall/internal/testenv/programs"
)

//go:embed haproxy.cfg
var proxyText string

var proxyTemplate = template.Must(template.New("haproxy.cfg").Parse(proxyText))

// backend is a server behind the proxy.
type backend struct {
	Name, Address string
	// CheckPort is where the proxy asks whether it is ready.
	CheckPort int
}

// startProxy starts HAProxy before the starters and the frontends of Temporal.
func (s *Stack) startProxy(ctx context.Context) error {
	var starters, frontends []backend
	for i, port := range s.ports.Starters {
		starters = append(starters, backend{numbered("starter", i), address(port), s.ports.StarterAdmins[i]})
	}
	for i, node := range s.options.Topology.Nodes {
		frontends = append(frontends, backend{numbered("temporal", i), nodeAddress(node, s.ports.Nodes[0]), s.ports.Nodes[0]})
	}
	var text strings.Builder
	if err := proxyTemplate.Execute(&text, map[string]any{
		"Callbacks": address(s.ports.Starter), "Starters": starters,
		"Temporal": address(s.ports.Temporal), "Frontends": frontends,
	}); err != nil {
		return fmt.Errorf("configuration of the proxy: %w", err)
	}
	path := filepath.Join(s.dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("configuration of the proxy: %w", err)
	}
	server, err := programs.HAProxy(path)
	if err != nil {
		return err
	}
	if err := s.spawn("proxy", server); err != nil {
		return err
	}
	return s.await(ctx, "the proxy", func(ctx context.Context) error { return dial(ctx, address(s.ports.Starter)) })
}

// awaitStarters waits until the proxy passes on to a starter: it asks each several times
// before it believes that it is ready, and answers 503 until then.
func (s *Stack) awaitStarters(ctx context.Context) error {
	return s.await(ctx, "a starter behind the proxy", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, httpURL(s.ports.Starter), nil)
		if err != nil {
			return err
		}
		resp, err := s.http.Do(req)
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusServiceUnavailable {
			err = errors.New("the proxy finds no starter ready")
		}
		return errors.Join(err, resp.Body.Close())
	})
}

// dial returns an error while nothing listens on an address.
func dial(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
