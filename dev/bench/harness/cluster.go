package harness

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"

	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/internal/freeport"
	"aftercall/internal/testenv/programs"
)

// ClusterSettings describes the cluster, as printed with the figures.
const ClusterSettings = "Temporal cluster: as `make cluster` has it, two nodes and 8 history shards on that PostgreSQL, all indexes in the list of workflows; clients use the frontend of the first node."

// startCluster starts the nodes of a Temporal cluster on new databases.
func (d *deployment) startCluster(ctx context.Context) error {
	if err := d.bench.Servers.dropDatabases(ctx, local.TemporalDatabases...); err != nil {
		return err
	}
	store := []string{"--postgres", address(d.bench.Servers.pgPort), "--user", programs.Superuser}
	if out, err := exec.CommandContext(ctx, d.bench.Cluster, append([]string{"schema"}, store...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("schema of Temporal: %w\n%s", err, out)
	}
	found, err := freeport.Find(local.NodePorts)
	if err != nil {
		return err
	}
	ports := make([]string, len(found))
	for i, port := range found {
		ports[i] = strconv.Itoa(port)
	}
	hosts := local.Cluster.Nodes
	d.address = net.JoinHostPort(hosts[0], ports[0])
	for i, name := range local.Numbered("temporal", len(hosts)) {
		p, err := start(command{name: name, path: d.bench.Cluster, args: append([]string{
			"node", "--host", hosts[i], "--ports", strings.Join(ports, ","), "--public", d.address,
		}, store...)}, d.dir)
		if err != nil {
			return err
		}
		d.temporal = append(d.temporal, p)
		// The first one is up before the next starts: both would write the metadata of a new
		// cluster, and one of them would fail.
		frontend := net.JoinHostPort(hosts[i], ports[0])
		if err := await(ctx, p, func(ctx context.Context) error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", frontend)
			if err != nil {
				return err
			}
			return conn.Close()
		}); err != nil {
			return err
		}
	}
	return d.awaitTemporal(ctx, d.temporal[0], func(ctx context.Context, c client.Client) error {
		return local.RegisterNamespace(ctx, c, client.DefaultNamespace)
	})
}
