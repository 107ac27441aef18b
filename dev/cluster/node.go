package main

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// historyShards can never change once the databases exist.
const historyShards = 8

// services are those of a node, each with a port for gRPC and one for the ring.
var services = []primitives.ServiceName{
	primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
}

type nodeCommand struct {
	postgres
	Host  string `help:"The address of this node, on which it listens and by which the others find it." required:""`
	Found string `help:"The address by which the others find this node, if that is another one, which passes on to --host."`
	Ports []int  `help:"Ports for gRPC and then for the ring, of frontend, history, matching and worker. They are the same on every node." required:""`
	// Public is where the server's own workflows reach a frontend.
	Public string `help:"host:port of the frontends." required:""`
}

// Validate is called by kong.
func (c nodeCommand) Validate() error {
	if want := 2 * len(services); len(c.Ports) != want {
		return fmt.Errorf("--ports: %d ports are needed, not %d", want, len(c.Ports))
	}
	return nil
}

// Run runs the node until it gets SIGTERM or SIGINT.
func (c nodeCommand) Run() error {
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: true, Level: "warn"}))
	server, err := temporal.NewServer(
		temporal.WithConfig(c.config()),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithDynamicConfigClient(settings),
		temporal.InterruptOn(temporal.InterruptCh()),
	)
	if err != nil {
		return fmt.Errorf("configure the node: %w", err)
	}
	return server.Start()
}

func (c nodeCommand) config() *config.Config {
	const store, visibility, name = "main", "visibility", "active"
	var cfg config.Config
	cfg.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: cmp.Or(c.Found, c.Host)}
	cfg.Persistence = config.Persistence{
		DefaultStore: store, VisibilityStore: visibility, NumHistoryShards: historyShards,
		DataStores: map[string]config.DataStore{
			store: c.store(mainDatabase, 20), visibility: c.store(visibilityDatabase, 5),
		},
	}
	cfg.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10, MasterClusterName: name, CurrentClusterName: name,
		ClusterInformation: map[string]cluster.ClusterInformation{
			name: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: c.Public},
		},
	}
	cfg.DCRedirectionPolicy.Policy = "noop"
	cfg.Archival.History.State, cfg.Archival.Visibility.State = config.ArchivalDisabled, config.ArchivalDisabled
	cfg.NamespaceDefaults.Archival.History.State = config.ArchivalDisabled
	cfg.NamespaceDefaults.Archival.Visibility.State = config.ArchivalDisabled
	cfg.PublicClient.HostPort = c.Public
	cfg.Services = map[string]config.Service{}
	for i, service := range services {
		cfg.Services[string(service)] = config.Service{RPC: config.RPC{
			BindOnIP: c.Host, GRPCPort: c.Ports[i], MembershipPort: c.Ports[len(services)+i],
		}}
	}
	return &cfg
}

// settings are the dynamic configuration of a small cluster under a test load.
var settings = dynamicconfig.StaticClient{
	dynamicconfig.FrontendRPS.Key():                        100_000,
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key(): 100_000,
	dynamicconfig.HistoryRPS.Key():                         100_000,
	dynamicconfig.MatchingRPS.Key():                        100_000,
}
