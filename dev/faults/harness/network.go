package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"aftercall/dev/local"
	"aftercall/internal/testenv/programs"
)

// network are the proxies between the parts.
type network struct {
	// names are those between starters or workers and another part.
	names   []string
	proxies map[string]*toxiproxy.Proxy
}

// The networks from Tencent to the starters, and to the targets.
const (
	toStarter   = "starter"
	toReceivers = "receivers"
)

// link is a network between two parts.
type link struct {
	// name is whom it leads to.
	name string
	port int
	// variable of the environment names the proxy in a format, empty for the store of
	// Temporal.
	variable, format string
}

// links are the networks of a topology with its ports, and that of the receivers.
func links(t local.Topology, p local.Ports, receivers int) []link {
	all := []link{
		{toStarter, p.Starter, "DEV_PUBLIC_URL", "http://%s"},
		{"redis", p.Redis, "REDIS_URL", "redis://%s/0"},
		{"temporal", p.Temporal, "TEMPORAL_ADDRESS", "%s"},
		{"tencent", p.Tencent, "DEV_TENCENT_URL", "http://%s"},
		{toReceivers, receivers, "DEV_WEBHOOK_URL", "https://%s"},
	}
	if t.Postgres {
		all = append(
			all, link{"ledger", p.Postgres, "LEDGER_URL", "postgres://" + programs.Superuser + "@%s/" + local.LedgerDatabase + "?sslmode=disable"},
			link{"temporal's database", p.Postgres, "", ""},
		)
	}
	return all
}

// openNetwork puts a proxy into each link, and tells the stack's services of them.
func openNetwork(o *local.Options, receivers int) (*network, error) {
	toxics.Register(cutAfterCommit, &commitToxic{})
	toxics.Register(cutSlowly, &slowCutToxic{})
	toxics.Register(watch, &watchToxic{})
	n := &network{proxies: map[string]*toxiproxy.Proxy{}}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.New(io.Discard))
	for _, l := range links(o.Topology, o.Ports, receivers) {
		proxy := toxiproxy.NewProxy(server, l.name, "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", l.port))
		if err := proxy.Start(); err != nil {
			n.close()
			return nil, fmt.Errorf("network to %s: %w", l.name, err)
		}
		n.proxies[l.name] = proxy
		if l.variable == "" {
			o.StoreAddress = proxy.Listen
		} else {
			n.names = append(n.names, l.name)
			o.Environ[l.variable] = fmt.Sprintf(l.format, proxy.Listen)
		}
	}
	return n, nil
}

// refuse closes all connections to a part and refuses others, until heal.
func (n *network) refuse(name string) { n.proxies[name].Stop() }

func (n *network) accept(name string) error { return n.proxies[name].Start() }

// disturb adds toxics, which are JSON of toxiproxy, to the answers of a part one after
// the other, and one before them that watches the answers.
func (n *network) disturb(name string, all ...string) (*watchToxic, error) {
	watcher, err := n.add(name, `{"type": "`+watch+`"}`)
	if err != nil {
		return nil, err
	}
	for _, toxic := range all {
		if _, err := n.add(name, toxic); err != nil {
			return nil, err
		}
	}
	return watcher.(*watchToxic), nil
}

func (n *network) add(name, toxic string) (toxics.Toxic, error) {
	added, err := n.proxies[name].Toxics.AddToxicJson(strings.NewReader(toxic))
	if err != nil {
		return nil, fmt.Errorf("network to %s: %s: %w", name, toxic, err)
	}
	return added.Toxic, nil
}

func (n *network) heal(name string) { n.proxies[name].Toxics.ResetToxics(context.Background()) }

func (n *network) close() {
	for _, proxy := range n.proxies {
		proxy.Stop()
	}
}
