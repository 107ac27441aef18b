package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"aftercall/dev/local"
	"aftercall/internal/testenv/programs"
)

// network are the proxies between the parts, by the name of a link or of a part that can be
// cut off alone.
type network struct {
	// names are those between starters or workers and another part.
	names   []string
	proxies map[string][]*toxiproxy.Proxy
	server  *toxiproxy.ApiServer
}

// The networks from Tencent to the starters, and to the targets.
const (
	toStarter   = "starter"
	toReceivers = "receivers"
)

// nodeAddresses are where the nodes of Temporal find each other. A proxy behind each port
// leads to the node, on which their ports are the same.
var nodeAddresses = []string{"127.0.0.3", "127.0.0.4"}

// link is a network between two parts.
type link struct {
	// name is whom it leads to.
	name string
	port int
	// node is that of Temporal to which others lead, by all its ports; 0 for no node, else
	// its number.
	node int
	// variable of the environment names the proxy in a format, empty for the store of
	// Temporal.
	variable, format string
}

// links are the networks of a topology with its ports, and that of the receivers.
func links(t local.Topology, p local.Ports, receivers int) []link {
	all := []link{
		{name: toStarter, port: p.Starter, variable: "DEV_PUBLIC_URL", format: "http://%s"},
		{name: "redis", port: p.Redis, variable: "REDIS_URL", format: "redis://%s/0"},
		{name: "temporal", port: p.Temporal, variable: "TEMPORAL_ADDRESS", format: "%s"},
		{name: "tencent", port: p.Tencent, variable: "DEV_TENCENT_URL", format: "http://%s"},
		{name: toReceivers, port: receivers, variable: "DEV_WEBHOOK_URL", format: "https://%s"},
	}
	if t.Postgres {
		all = append(
			all, link{name: "ledger", port: p.Postgres, variable: "LEDGER_URL", format: postgresURL(local.LedgerDatabase)},
			link{name: "events", port: p.Postgres, variable: "DEV_EVIDENCE_URL", format: postgresURL(local.EvidenceDatabase)},
			link{name: "temporal's database", port: p.Postgres},
		)
	}
	for i := range t.Nodes {
		all = append(all, link{name: fmt.Sprintf("temporal's node %d", i+1), node: i + 1})
	}
	return all
}

// postgresURL is that of a database, as the format of a link.
func postgresURL(database string) string {
	return "postgres://" + programs.Superuser + "@%s/" + database + "?sslmode=disable"
}

// openNetwork puts a proxy into each link, and tells the stack's services of them.
func openNetwork(o *local.Options, receivers int) (*network, error) {
	toxics.Register(cutAfterCommit, &commitToxic{})
	toxics.Register(cut, &cutToxic{})
	toxics.Register(watch, &watchToxic{})
	n := &network{
		proxies: map[string][]*toxiproxy.Proxy{},
		server:  toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.New(io.Discard)),
	}
	all := links(o.Topology, o.Ports, receivers)
	for _, l := range all {
		for from, to := range l.route(o) {
			if _, err := n.add(l.name, from, to); err != nil {
				return nil, err
			}
		}
		switch {
		case l.node > 0:
			o.NodesFound = nodeAddresses[:l.node]
		case l.variable == "":
			o.StoreAddress = n.proxies[l.name][0].Listen
		default:
			n.names = append(n.names, l.name)
			o.Environ[l.variable] = fmt.Sprintf(l.format, n.proxies[l.name][0].Listen)
		}
	}
	o.PartEnviron = map[string]map[string]string{}
	for _, part := range apart(o.Topology) {
		o.PartEnviron[part] = map[string]string{}
		for _, l := range all {
			if l.variable == "" || l.name == toStarter {
				continue
			}
			listen, err := n.add(part, "127.0.0.1:0", n.proxies[l.name][0].Listen)
			if err != nil {
				return nil, err
			}
			o.PartEnviron[part][l.variable] = fmt.Sprintf(l.format, listen)
		}
	}
	return n, nil
}

// apart are the parts that can be cut off alone, from everything that they use: a starter
// and a worker beside which there are others.
func apart(t local.Topology) (parts []string) {
	for kind, n := range map[string]int{"starter": t.Starters, "worker": t.Workers} {
		if n > 1 {
			parts = append(parts, local.Numbered(kind, n)[n-1])
		}
	}
	slices.Sort(parts)
	return parts
}

// add opens a proxy, and returns where it listens. On an error, all are closed.
func (n *network) add(name, from, to string) (listen string, err error) {
	proxy := toxiproxy.NewProxy(n.server, name, from, to)
	if err := proxy.Start(); err != nil {
		n.close()
		return "", fmt.Errorf("proxy of the network of %s: %w", name, err)
	}
	n.proxies[name] = append(n.proxies[name], proxy)
	return proxy.Listen, nil
}

// route is where the proxies of a link listen, and where they lead to.
func (l link) route(o *local.Options) map[string]string {
	if l.node == 0 {
		return map[string]string{"127.0.0.1:0": fmt.Sprintf("127.0.0.1:%d", l.port)}
	}
	route := map[string]string{}
	for _, port := range o.Ports.Nodes {
		route[fmt.Sprintf("%s:%d", nodeAddresses[l.node-1], port)] = fmt.Sprintf("%s:%d", o.Topology.Nodes[l.node-1], port)
	}
	return route
}

// refuse closes all connections to a part and refuses others, until heal.
func (n *network) refuse(name string) {
	for _, proxy := range n.proxies[name] {
		proxy.Stop()
	}
}

func (n *network) accept(name string) (err error) {
	for _, proxy := range n.proxies[name] {
		err = errors.Join(err, proxy.Start())
	}
	return err
}

// direction is one of the two of a network, by its name in toxiproxy.
type direction string

const (
	requests direction = "upstream"
	answers  direction = "downstream"
)

// disturb adds a toxic of toxiproxy with its attributes to what goes in one direction, and
// one before it that watches the same.
func (n *network) disturb(name string, d direction, toxic string, attributes map[string]any) (watching []*watchToxic, err error) {
	for _, proxy := range n.proxies[name] {
		for _, added := range []map[string]any{{"type": watch}, {"type": toxic, "attributes": attributes}} {
			added["stream"] = d
			described, err := json.Marshal(added)
			if err != nil {
				return nil, err
			}
			there, err := proxy.Toxics.AddToxicJson(bytes.NewReader(described))
			if err != nil {
				return nil, fmt.Errorf("network to %s: %s: %w", name, described, err)
			}
			if watched, ok := there.Toxic.(*watchToxic); ok {
				watching = append(watching, watched)
			}
		}
	}
	return watching, nil
}

func (n *network) heal(name string) {
	for _, proxy := range n.proxies[name] {
		proxy.Toxics.ResetToxics(context.Background())
	}
}

func (n *network) close() {
	for name := range n.proxies {
		n.refuse(name)
	}
}
