// Package local is the whole stack on one machine: a real Temporal server with
// its Web UI, Redis, the ledger, Tencent's side and a webhook receiver played,
// and the starter and the worker between them. `make dev`, `make demo` and the
// end-to-end tests all run this.
package local

import (
	"fmt"
	"net"
	"strconv"

	"aftercall/internal/freeport"
)

// host is where everything listens: the stack is for this machine alone.
const host = "127.0.0.1"

// Ports are the TCP ports of the parts.
type Ports struct {
	Temporal, TemporalUI       int
	Starter, StarterAdmin      int
	WorkerAdmin                int
	Redis, Tencent, WebhookApp int
}

// DefaultPorts are those of `make dev`. Temporal's are the ones that every
// Temporal tool expects.
var DefaultPorts = Ports{
	Temporal: 7233, TemporalUI: 8233,
	Starter: 8080, StarterAdmin: 9090, WorkerAdmin: 9091,
	Redis: 6390, Tencent: 8090, WebhookApp: 8091,
}

// TemporalAddress is the host:port of the frontend.
func (p Ports) TemporalAddress() string { return address(p.Temporal) }

// TemporalUIPort is the port of the Web UI as text.
func (p Ports) TemporalUIPort() string { return strconv.Itoa(p.TemporalUI) }

// FreePorts finds ports that are free just now.
func FreePorts() (Ports, error) {
	var p Ports
	parts := p.parts()
	found, err := freeport.Find(len(parts))
	if err != nil {
		return p, err
	}
	for i, part := range parts {
		*part.port = found[i]
	}
	return p, nil
}

// part is a port and what it is for.
type part struct {
	name string
	port *int
}

func (p *Ports) parts() []part {
	return []part{
		{"Temporal", &p.Temporal},
		{"the Temporal Web UI", &p.TemporalUI},
		{"the starter", &p.Starter},
		{"the starter's admin listener", &p.StarterAdmin},
		{"the worker's admin listener", &p.WorkerAdmin},
		{"Redis", &p.Redis},
		{"the Tencent simulator", &p.Tencent},
		{"the webhook receiver", &p.WebhookApp},
	}
}

// check fails with one sentence for the first port that is taken.
func (p *Ports) check() error {
	for _, part := range p.parts() {
		l, err := net.Listen("tcp", address(*part.port))
		if err != nil {
			return fmt.Errorf("port %d, meant for %s, is taken by another program: stop that program, or start the stack on free ports with ARGS=--free-ports",
				*part.port, part.name)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func httpURL(port int) string { return "http://" + address(port) }
