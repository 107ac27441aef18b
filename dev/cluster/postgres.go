package main

import (
	"fmt"
	"net"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/sql"
)

// The databases, and the versioned schemas in the server's module.
const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"
)

// postgres is the PostgreSQL server with both databases.
type postgres struct {
	Postgres string `help:"host:port of PostgreSQL." required:""`
	User     string `help:"Its user, who needs no password." required:""`
}

// store returns the configuration of one database, for at most connections of them.
func (p postgres) store(database string, connections int) config.DataStore {
	return config.DataStore{SQL: &config.SQL{
		PluginName: postgresql.PluginNamePGX, DatabaseName: database,
		ConnectAddr: p.Postgres, ConnectProtocol: "tcp", User: p.User,
		MaxConns: connections, MaxIdleConns: connections, MaxConnLifetime: time.Hour,
	}}
}

type schemaCommand struct{ postgres }

// Run does what an operator does with temporal-sql-tool, which ends the process
// when it fails.
func (c schemaCommand) Run() error {
	for database, schema := range map[string]string{
		mainDatabase: "postgresql/v12/temporal", visibilityDatabase: "postgresql/v12/visibility",
	} {
		if err := c.update(database, schema); err != nil {
			return fmt.Errorf("database %s: %w", database, err)
		}
	}
	return nil
}

func (c schemaCommand) update(database, schema string) error {
	host, port, err := net.SplitHostPort(c.Postgres)
	if err != nil {
		return fmt.Errorf("--postgres: %w", err)
	}
	tool := func(args ...string) error {
		return sql.RunTool(append([]string{
			"temporal-sql-tool", "--plugin", postgresql.PluginNamePGX,
			"--endpoint", host, "--port", port, "--user", c.User, "--database", database,
		}, args...))
	}
	// Each does nothing where it has been done before.
	for _, args := range [][]string{
		{"create-database"}, {"setup-schema", "--version", "0.0"}, {"update-schema", "--schema-name", schema},
	} {
		if err := tool(args...); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
	}
	return nil
}
