package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"aftercall/dev/local"
	"aftercall/internal/testenv/programs"
)

// network are the proxies between starters and workers, and what they use.
type network struct {
	names   []string
	proxies map[string]*toxiproxy.Proxy
}

// toReceivers is the network to the targets.
const toReceivers = "receivers"

// openNetwork puts a proxy before each part, and tells the stack's services of them.
func openNetwork(o *local.Options, ports local.Ports, receivers int) (*network, error) {
	n := &network{proxies: map[string]*toxiproxy.Proxy{}}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.New(io.Discard))
	o.Environ = map[string]string{}
	for _, part := range []struct {
		name, variable, format string
		port                   int
	}{
		{"redis", "REDIS_URL", "redis://%s/0", ports.Redis},
		{"temporal", "TEMPORAL_ADDRESS", "%s", ports.Temporal},
		{"ledger", "LEDGER_URL", "postgres://" + programs.Superuser + "@%s/" + local.LedgerDatabase + "?sslmode=disable", ports.Postgres},
		{"tencent", "DEV_TENCENT_URL", "http://%s", ports.Tencent},
		{toReceivers, "DEV_WEBHOOK_URL", "https://%s", receivers},
	} {
		if part.port == 0 {
			continue // the topology has no such server
		}
		proxy := toxiproxy.NewProxy(server, part.name, "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", part.port))
		if err := proxy.Start(); err != nil {
			n.close()
			return nil, fmt.Errorf("network to %s: %w", part.name, err)
		}
		n.names = append(n.names, part.name)
		n.proxies[part.name] = proxy
		o.Environ[part.variable] = fmt.Sprintf(part.format, proxy.Listen)
	}
	return n, nil
}

// refuse closes all connections to a part and refuses others, until heal.
func (n *network) refuse(name string) { n.proxies[name].Stop() }

func (n *network) accept(name string) error { return n.proxies[name].Start() }

// disturb adds a toxic, which is JSON of toxiproxy, to the answers of a part.
func (n *network) disturb(name, toxic string) error {
	_, err := n.proxies[name].Toxics.AddToxicJson(strings.NewReader(toxic))
	return err
}

func (n *network) heal(name string) { n.proxies[name].Toxics.ResetToxics(context.Background()) }

func (n *network) close() {
	for _, proxy := range n.proxies {
		proxy.Stop()
	}
}
