// Command cluster runs what a Temporal cluster is made of: nodes of the real
// Temporal server on PostgreSQL, its schema, and the Web UI. `make cluster`
// starts them. It is a module of its own, so that the service's go.mod does not
// need the server.
package main

import (
	"github.com/alecthomas/kong"
)

type cli struct {
	Schema schemaCommand `cmd:"" help:"Create the databases and their tables, or update them to this version of the server."`
	Node   nodeCommand   `cmd:"" help:"Run one node with all services of the server, until SIGTERM."`
	UI     uiCommand     `cmd:"" name:"ui" help:"Run the Web UI, until SIGTERM."`
}

func main() {
	c := &cli{}
	command := kong.Parse(c, kong.Name("cluster"), kong.Description("The parts of a Temporal cluster on this machine."))
	command.FatalIfErrorf(command.Run())
}
