package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aftercall/dev/bench/costs"
	"aftercall/dev/local"
)

type costsCommand struct {
	Root     string `help:"The project's folder." default:"." type:"existingdir"`
	Topology string `help:"dev: Temporal's development server and a ledger in SQLite; cluster: two of everything, Temporal and ledger in PostgreSQL." enum:"dev,cluster" default:"dev"`
	Indexes  string `help:"Indexes of the list of workflows: as shipped; on dev slim, as the local stack has them; on the cluster partial, or dropped." enum:"shipped,slim,partial,dropped" default:"shipped"`
	Calls    int    `help:"Calls to measure." default:"1500"`
	Rate     int    `help:"Calls per second." default:"25"`
	Redis    bool   `help:"Measure only the memory of Redis, which is the same for all topologies."`
	Keep     bool   `help:"Keep data and logs."`
	Publish  bool   `help:"Write the figures into docs/scaling.json."`
}

// Run measures what a call costs, and prints it.
func (c costsCommand) Run(ctx context.Context, out io.Writer) (err error) {
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return err
	}
	dir, err := newFolder()
	if err != nil {
		return err
	}
	defer func() {
		if c.Keep || err != nil {
			fmt.Fprintln(out, "data and logs are in", dir)
		} else {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if c.Redis {
		return c.redisMemory(ctx, root, dir, out)
	}
	topology := local.Dev
	if c.Topology == local.Cluster.Name {
		topology = local.Cluster
	}
	m, err := costs.Measure(ctx, costs.Options{
		Root: root, Dir: dir, Topology: topology, Indexes: c.Indexes, Calls: c.Calls, Rate: c.Rate, Out: out,
	})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, string(text))
	if c.Publish {
		return costs.Publish(root, m)
	}
	return nil
}

func (c costsCommand) redisMemory(ctx context.Context, root, dir string, out io.Writer) error {
	bytes, err := costs.RedisMemory(ctx, dir, costs.Remembered)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, bytes, "bytes in Redis for a call that it remembers")
	if c.Publish {
		return costs.PublishRedisMemory(root, bytes)
	}
	return nil
}
