package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

type uiCommand struct {
	Listen  string `help:"host:port of the Web UI." required:""`
	Address string `help:"host:port of the frontends." required:""`
	Codec   string `help:"URL of the codec server, if payloads are encrypted."`
}

// Run serves the Web UI until it gets SIGTERM or SIGINT.
func (c uiCommand) Run() error {
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	return server.NewServer(server_options.WithConfigProvider(&config.Config{
		Host: host, Port: port, TemporalGRPCAddress: c.Address, EnableUI: true, HideLogs: true,
		Codec: config.Codec{Endpoint: c.Codec}, CORS: config.CORS{CookieInsecure: true},
	})).Start()
}
