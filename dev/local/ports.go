// Package local runs the whole stack on one machine: a real Temporal server with
// its Web UI, Redis, the ledger, a simulated Tencent, a webhook receiver, the
// starter and the worker. `make dev`, `make demo` and the end-to-end tests use it.
package local

import (
	"fmt"
	"net"
	"strconv"

	"aftercall/internal/freeport"
)

// host is the address that everything listens on: the stack is for this machine only.
const host = "127.0.0.1"

// Ports are the TCP ports of the parts of the stack.
type Ports struct {
	Temporal, TemporalUI       int
	Starter, StarterAdmin      int
	WorkerAdmin                int
	Redis, Tencent, WebhookApp int
}

// DefaultPorts are the ports of `make dev`. Temporal has its standard ports.
var DefaultPorts = Ports{
	Temporal: 7233, TemporalUI: 8233,
	Starter: 8080, StarterAdmin: 9090, WorkerAdmin: 9091,
	Redis: 6390, Tencent: 8090, WebhookApp: 8091,
}

// TemporalAddress returns the host:port of the frontend.
func (p Ports) TemporalAddress() string { return address(p.Temporal) }

// TemporalUIPort returns the port of the Web UI.
func (p Ports) TemporalUIPort() string { return strconv.Itoa(p.TemporalUI) }

// FreePorts returns ports that are free now.
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

// part is a part of the stack that listens on a port.
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

// check returns an error for the first port that is in use.
func (p *Ports) check() error {
	for _, part := range p.parts() {
		l, err := net.Listen("tcp", address(*part.port))
		if err != nil {
			return fmt.Errorf("port %d, for %s, is in use by another program: stop that program, or start the stack on free ports with ARGS=--free-ports",
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
