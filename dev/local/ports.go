// Package local runs the whole stack on one machine: a real Temporal server with
// its Web UI, Redis, the ledger, a simulated Tencent, a webhook receiver, the
// starters and the workers. A Topology says how many of what. `make dev`, `make
// cluster`, `make demo` and the end-to-end tests use it.
package local

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"aftercall/internal/freeport"
)

// host is the address that everything listens on, except further nodes of
// Temporal: the stack is for this machine only.
const host = "127.0.0.1"

// Ports are the TCP ports of the parts of the stack, 0 for a part that its
// topology lacks.
type Ports struct {
	// Temporal is where clients reach Temporal, Starter where Tencent posts
	// callbacks. With a proxy both are its ports.
	Temporal, TemporalUI, Starter        int
	Redis, Postgres, Tencent, WebhookApp int
	// Mail is that of a mail server, for a configuration with mail targets.
	Mail                        int
	StarterAdmins, WorkerAdmins []int
	// Starters are those behind the proxy.
	Starters []int `json:",omitempty"`
	// Nodes are those of every node of Temporal: for gRPC, then for the ring, of
	// frontend, history, matching and worker.
	Nodes []int `json:",omitempty"`
}

// DefaultPorts are the ports of `make dev` and `make cluster`. Temporal has its
// standard ports.
func DefaultPorts(t Topology) Ports {
	p := Ports{Temporal: 7233, TemporalUI: 8233, Starter: 8080, Redis: 6390, Tencent: 8090, WebhookApp: 8091, Mail: 8025}
	for i := range t.Starters {
		p.StarterAdmins = append(p.StarterAdmins, 9090+2*i)
	}
	for i := range t.Workers {
		p.WorkerAdmins = append(p.WorkerAdmins, 9091+2*i)
	}
	if t.Postgres {
		p.Postgres = 5490
	}
	if t.Proxy {
		for i := range t.Starters {
			p.Starters = append(p.Starters, 8081+i)
		}
	}
	if len(t.Nodes) > 0 {
		p.Nodes = []int{7241, 7242, 7243, 7244, 6941, 6942, 6943, 6944}
	}
	return p
}

// TemporalAddress returns the host:port of the frontend.
func (p Ports) TemporalAddress() string { return address(p.Temporal) }

// TemporalUIPort returns the port of the Web UI.
func (p Ports) TemporalUIPort() string { return strconv.Itoa(p.TemporalUI) }

// starter returns the port on which a starter listens.
func (p Ports) starter(i int) int {
	if len(p.Starters) == 0 {
		return p.Starter
	}
	return p.Starters[i]
}

// FreePorts returns ports that are free now.
func FreePorts(t Topology) (Ports, error) {
	p := DefaultPorts(t)
	all := p.list()
	found, err := freeport.Find(len(all))
	if err != nil {
		return p, err
	}
	for i, l := range all {
		*l.port = found[i]
	}
	return p, nil
}

// listener is a port and the part that listens on it.
type listener struct {
	part string
	port *int
}

// list returns the ports that the topology has.
func (p *Ports) list() []listener {
	all := []listener{
		{"Temporal", &p.Temporal},
		{"the Temporal Web UI", &p.TemporalUI},
		{"the starter", &p.Starter},
		{"Redis", &p.Redis},
		{"the Tencent simulator", &p.Tencent},
		{"the webhook receiver", &p.WebhookApp},
		{"the mail server", &p.Mail},
	}
	if p.Postgres != 0 {
		all = append(all, listener{"PostgreSQL", &p.Postgres})
	}
	for _, several := range []struct {
		part  string
		ports []int
	}{
		{"a starter's admin listener", p.StarterAdmins},
		{"a worker's admin listener", p.WorkerAdmins},
		{"a starter behind the proxy", p.Starters},
		{"a node of Temporal", p.Nodes},
	} {
		for i := range several.ports {
			all = append(all, listener{several.part, &several.ports[i]})
		}
	}
	return all
}

// check returns an error for the first port that is in use.
func (p *Ports) check(t Topology) error {
	for _, l := range p.list() {
		if err := checkPort(host, *l.port, l.part); err != nil {
			return err
		}
	}
	for _, node := range t.Nodes {
		for _, port := range p.Nodes {
			if err := checkPort(node, port, "a node of Temporal"); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkPort(host string, port int, part string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("%s, for %s, is no address of this machine: add it to the loopback interface, on macOS with `sudo ifconfig lo0 alias %s`",
			host, part, host)
	}
	if err != nil {
		return fmt.Errorf("port %d, for %s, is in use by another program: stop that program, or start the stack on free ports with ARGS=--free-ports",
			port, part)
	}
	return l.Close()
}

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func httpURL(port int) string { return "http://" + address(port) }
