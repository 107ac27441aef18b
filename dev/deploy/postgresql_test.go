package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/freeport"
	"aftercall/internal/temporalclient"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/programs"
)

// TestPackageOnPostgres makes Temporal's tables with the commands of docs/deploy.md, and
// runs what the units of the Debian package run: the server on PostgreSQL, and the job
// for its namespace. Of configuration and commands it changes ports and paths only.
func TestPackageOnPostgres(t *testing.T) {
	if _, ok := testenv.Program(t, "../bin/temporal-server", "make test-cluster builds it"); !ok || !testenv.Programs(t, "postgres") {
		return
	}
	c := newComposed(t)
	usual := []string{"5432", "7233", "7234", "7235", "7239", "6933", "6934", "6935", "6939"}
	ports, err := freeport.Find(len(usual))
	require.NoError(t, err)
	var changes []string
	for i, port := range usual {
		changes = append(changes, port, strconv.Itoa(ports[i]))
	}
	configuration := filepath.Join(c.folder, "temporal.yaml")
	here := strings.NewReplacer(append(changes, "/etc/aftercall/temporal-postgresql.yaml", configuration)...)

	server, err := programs.Postgres(filepath.Join(c.folder, "postgres"), ports[0])
	require.NoError(t, err)
	c.startServer("postgres", server, nil)
	database := map[string]string{"PGHOST": programs.Host, "PGPORT": strconv.Itoa(ports[0]), "PGUSER": programs.Superuser, "PGDATABASE": "postgres"}
	c.await("role", func() ([]byte, error) {
		return c.sh(database, "-ec", "psql --command 'CREATE ROLE temporal LOGIN CREATEDB'")
	})
	out, err := c.sh(map[string]string{"SQL_PASSWORD": "secret"}, "-ec", here.Replace(schemaCommands(t)))
	require.NoError(t, err, string(out))

	text, err := os.ReadFile("systemd/temporal-postgresql.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(configuration, []byte(here.Replace(string(text))), 0o600))
	start := commandsOf(t, "aftercall-temporal-postgresql")
	require.Len(t, start, 1)
	c.startServer("temporal", programs.Server{Path: "/bin/sh", Args: []string{"-c", "exec " + here.Replace(start[0])}},
		map[string]string{"PATH": c.path(), "TEMPORAL_POSTGRES_PASSWORD": "secret"})
	temporal := map[string]string{"TEMPORAL_ADDRESS": programs.Host + ":" + strconv.Itoa(ports[1])}
	c.await("namespace", func() (out []byte, err error) {
		for _, command := range commandsOf(t, "aftercall-namespace") {
			out, err = c.sh(temporal, "-c", strings.TrimPrefix(command, "-"))
			if err != nil && !strings.HasPrefix(command, "-") { // systemd ignores that those with - fail
				return out, err
			}
		}
		return out, err
	})
	client, namespace, err := temporalclient.NewClient(temporal, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer client.Close()
	retention, err := temporalclient.Retention(t.Context(), client, namespace)
	require.NoError(t, err)
	require.Equal(t, local.Retention, retention)
}

// schemaCommands are those of docs/deploy.md between the password of Temporal's role and
// the start of the server.
func schemaCommands(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/deploy.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(page), "export SQL_PASSWORD=…\n")
	require.True(t, found)
	commands, _, found := strings.Cut(after, "systemctl disable")
	require.True(t, found)
	return commands
}

// commandsOf are the commands of a unit of the package, as systemd reads them.
func commandsOf(t *testing.T, unit string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile("systemd/" + unit + ".service")
	require.NoError(t, err)
	for _, command := range regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		commands = append(commands, command[1])
	}
	require.NotEmpty(t, commands)
	return commands
}
