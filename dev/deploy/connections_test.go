package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
)

// The connections to PostgreSQL that processes open at most, if ledger and events are
// kept there: a starter writes events; a worker has the ledger, reads events, and deletes
// old ones; some are for a person's commands.
const (
	ofStarter  = ledger.PostgresConnections
	ofWorker   = 3 * ledger.PostgresConnections
	ofCommands = 20
	// temporalServices each have their own connections to both of Temporal's databases.
	temporalServices = 4
)

// TestComposeConnections makes sure that PostgreSQL accepts as many connections as its
// clients open at most.
func TestComposeConnections(t *testing.T) {
	const connections, ofVisibility = 20, 10 // of Temporal's server, in its image
	project := firstLook(t)
	most := temporalServices*(connections+ofVisibility) + *project.Services["worker"].Deploy.Replicas*ofWorker + 2*ofStarter + ofCommands
	setting := regexp.MustCompile(`max_connections=(\d+)`).FindStringSubmatch(strings.Join(project.Services["postgres"].Command, " "))
	require.NotNil(t, setting)
	accepted, err := strconv.Atoi(setting[1])
	require.NoError(t, err)
	require.GreaterOrEqual(t, accepted, most)
}

// TestPackageConnections makes sure that what the package runs on one machine opens no
// more connections than PostgreSQL accepts unless it is configured: 100, three of which
// are for its superuser.
func TestPackageConnections(t *testing.T) {
	config, err := os.ReadFile("systemd/temporal-postgresql.yaml")
	require.NoError(t, err)
	pools := regexp.MustCompile(`(?m)^\s+maxConns: (\d+)$`).FindAllStringSubmatch(string(config), -1)
	require.Len(t, pools, 2)
	most := ofWorker + ofStarter + ofCommands
	for _, pool := range pools {
		n, err := strconv.Atoi(pool[1])
		require.NoError(t, err)
		most += temporalServices * n
	}
	require.LessOrEqual(t, most, 97)
}
