package local_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"aftercall/dev/local"
	"aftercall/internal/temporalclient"
	"aftercall/workflows"
)

// TestPrepareOnADatabaseThatExists starts a server without search attributes in its
// database, after a client has started to wait for it.
func TestPrepareOnADatabaseThatExists(t *testing.T) {
	path, err := local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	ports, err := local.FreePorts(local.Dev)
	require.NoError(t, err)
	server := local.Server{
		Path: path, Address: ports.TemporalAddress(), UIPort: ports.TemporalUIPort(), Database: filepath.Join(t.TempDir(), "temporal.db"),
		Arguments: []string{"--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=false"},
	}
	var logs bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logs, nil))
	c, namespace, err := temporalclient.NewClient(temporalclient.Environment{"TEMPORAL_ADDRESS": server.Address}, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err, "a client needs no server yet")
	defer c.Close()

	ctx := testContext(t)
	prepared := make(chan bool, 1)
	go func() { prepared <- temporalclient.Prepare(ctx, c, namespace, logger, workflows.SearchAttributes) }()
	stop, err := devServer(ctx, server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stop()) })
	require.True(t, <-prepared)
	require.LessOrEqual(t, strings.Count(logs.String(), "Temporal is not ready"), 1, "an outage is logged once")

	updates := make([]temporal.SearchAttributeUpdate, len(workflows.SearchAttributes))
	for i, attribute := range workflows.SearchAttributes {
		updates[i] = attribute.ValueSet("any")
	}
	require.Eventually(t, func() bool {
		_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "any", TaskQueue: "nobody", TypedSearchAttributes: temporal.NewSearchAttributes(updates...),
		}, "Any")
		return err == nil
	}, testTimeout, 100*time.Millisecond, "a workflow with every search attribute starts")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, temporalclient.Prepare(ended, c, namespace, logger, workflows.SearchAttributes), "it ends with its context")
}
