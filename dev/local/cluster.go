package local

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"aftercall/internal/testenv/programs"
)

// NodePorts is how many ports a node has: see Ports.Nodes.
const NodePorts = 8

// TemporalDatabases are the databases that the schema of a cluster makes.
var TemporalDatabases = []string{"temporal", "temporal_visibility"}

// updateTemporalSchema makes Temporal's databases, or updates them.
func (s *Stack) updateTemporalSchema(context.Context) error {
	log, err := os.OpenFile(s.logPath("schema of temporal"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.clusterProgram("schema", s.storeArgs(address(s.ports.Postgres))...).Command()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("schema of Temporal: %w: see %s", err, log.Name())
	}
	return nil
}

// startNode starts a node and waits until its frontend listens.
func (s *Stack) startNode(ctx context.Context, name string, number int) error {
	host := s.options.Topology.Nodes[number]
	ports := make([]string, len(s.ports.Nodes))
	for i, port := range s.ports.Nodes {
		ports[i] = strconv.Itoa(port)
	}
	store := cmp.Or(s.options.StoreAddress, address(s.ports.Postgres))
	args := append(s.storeArgs(store), "--host", host, "--ports", strings.Join(ports, ","), "--public", s.ports.TemporalAddress())
	if found := s.options.NodesFound; len(found) > 0 {
		args = append(args, "--found", found[number])
	}
	if err := s.spawn(name, s.clusterProgram("node", args...)); err != nil {
		return err
	}
	return s.await(ctx, name, func(ctx context.Context) error { return dial(ctx, nodeAddress(host, s.ports.Nodes[0])) })
}

func (s *Stack) startTemporalUI(context.Context) error {
	args := []string{"--listen", address(s.ports.TemporalUI), "--address", s.ports.TemporalAddress()}
	if endpoint := s.CodecURL(); endpoint != "" {
		args = append(args, "--codec", endpoint)
	}
	return s.spawn("temporal ui", s.clusterProgram("ui", args...))
}

func (s *Stack) clusterProgram(command string, args ...string) programs.Server {
	return programs.Server{Path: s.options.Temporal, Args: append([]string{command}, args...)}
}

// storeArgs are the arguments about Temporal's databases.
func (s *Stack) storeArgs(postgres string) []string {
	return []string{"--postgres", postgres, "--user", programs.Superuser}
}

func nodeAddress(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
