package local

import (
	"context"
	"strconv"
)

// Topology is what a stack consists of, around the simulated Tencent, the
// receivers and a Redis.
type Topology struct {
	Name string
	// Starters and Workers are how many processes of each run.
	Starters, Workers int
	// Nodes are the addresses of the nodes of a Temporal cluster, which needs
	// Postgres. With none, Temporal's development server runs on a SQLite file.
	Nodes []string
	// Postgres keeps the ledger in PostgreSQL, not in a SQLite file.
	Postgres bool
	// Proxy puts HAProxy before the starters and the nodes. More than one needs it.
	Proxy bool
	// EmbeddedRedis uses an embedded Redis where there is no redis-server.
	EmbeddedRedis bool
}

var (
	// Dev runs everywhere.
	Dev = Topology{Name: "dev", Starters: 1, Workers: 1, EmbeddedRedis: true}
	// Cluster is what production has. Temporal's nodes must have the same ports, so
	// each has an address.
	Cluster = Topology{
		Name: "cluster", Starters: 2, Workers: 2, Nodes: []string{"127.0.0.1", "127.0.0.2"}, Postgres: true, Proxy: true,
	}
)

// part is a part of the stack, which can be started again after it was stopped.
type part struct {
	name  string
	start func(context.Context) error
}

// parts returns the parts in the order in which they start.
func (s *Stack) parts() []part {
	t := s.options.Topology
	parts := []part{{"redis", s.startRedis}}
	if t.Postgres {
		parts = append(parts, part{"postgres", s.startPostgres})
	}
	if t.Proxy {
		parts = append(parts, part{"proxy", s.startProxy})
	}
	parts = append(parts, s.temporalParts()...)
	parts = append(parts, part{"connection to temporal", s.connect}, part{"simulators", s.startSimulators})
	if s.Own != nil && s.Own.HasMail() {
		parts = append(parts, part{"mail server", s.startMail})
	}
	for i := range t.Workers {
		parts = append(parts, s.servicePart("worker", i, s.options.Worker, s.ports.WorkerAdmins[i]))
	}
	for i := range t.Starters {
		parts = append(parts, s.servicePart("starter", i, s.options.Starter, s.ports.StarterAdmins[i]))
	}
	if t.Proxy {
		parts = append(parts, part{"way through the proxy", s.awaitStarters})
	}
	return parts
}

func (s *Stack) temporalParts() []part {
	nodes := s.options.Topology.Nodes
	if len(nodes) == 0 {
		return []part{{"temporal", s.startDevServer}}
	}
	parts := []part{{"schema of temporal", s.updateTemporalSchema}}
	for i := range nodes {
		name := numbered("temporal", i)
		parts = append(parts, part{name, func(ctx context.Context) error { return s.startNode(ctx, name, i) }})
	}
	return append(parts, part{"temporal ui", s.startTemporalUI})
}

// numbered returns the name of one of several parts: "worker", "worker-2".
func numbered(kind string, i int) string {
	if i == 0 {
		return kind
	}
	return kind + "-" + strconv.Itoa(i+1)
}

// Numbered returns the names of n parts of a kind.
func Numbered(kind string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = numbered(kind, i)
	}
	return names
}
