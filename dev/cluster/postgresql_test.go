package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/config"
)

// TestPackagedConfiguration loads the server's configuration of the Debian package.
func TestPackagedConfiguration(t *testing.T) {
	t.Setenv("TEMPORAL_POSTGRES_PASSWORD", `a "secret": #1`)
	cfg, err := config.Load(config.WithConfigFile("../deploy/systemd/temporal-postgresql.yaml"))
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	for _, store := range []string{cfg.Persistence.DefaultStore, cfg.Persistence.VisibilityStore} {
		require.Equal(t, `a "secret": #1`, cfg.Persistence.DataStores[store].SQL.Password)
	}
	require.Equal(t, "temporal_visibility", cfg.Persistence.DataStores[cfg.Persistence.VisibilityStore].SQL.DatabaseName)
	require.Len(t, cfg.Services, len(services))
}
