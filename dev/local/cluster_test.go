package local_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/ledger"
	"aftercall/internal/testenv"
)

// TestClusterLosesANode kills each node of Temporal in turn while calls wait and
// others come in. Every call ends, charged once and notified under one message ID.
func TestClusterLosesANode(t *testing.T) {
	stack, ok := startCluster(t)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout) // two nodes are lost, and sweeps run every minute
	defer cancel()
	var calls []tencentsim.Call
	place := func() {
		for range 10 {
			call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
			require.NoError(t, err)
			calls = append(calls, call)
		}
	}
	for _, node := range []string{"temporal", "temporal-2"} {
		place()
		require.NoError(t, stack.KillPart(node))
		place()
		requireChargedOnce(ctx, t, stack, calls)
		require.NoError(t, stack.StartPart(ctx, node))
	}
}

// startCluster starts a cluster for one test, with replacements in its configuration. ok
// is false where this machine lacks a program, or has not built dev/cluster.
func startCluster(t *testing.T, oldnew ...string) (stack *local.Stack, ok bool) {
	t.Helper()
	if !testenv.Programs(t, "redis", "postgres", "haproxy") {
		return nil, false
	}
	if _, ok := testenv.Program(t, filepath.Join(root, "dev", "bin", "cluster"), "make test-cluster builds it"); !ok {
		return nil, false
	}
	dir, err := os.MkdirTemp("", "aftercall-cluster-") // PostgreSQL's user cannot reach t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	o, err := stackOptions(dir)
	require.NoError(t, err)
	o.Topology, o.Environ = local.Cluster, map[string]string{"AFTERCALL_CONFIG": changedConfig(t, oldnew...)}
	o.Ports, err = local.FreePorts(o.Topology)
	require.NoError(t, err)
	o.Temporal, err = local.EnsureCluster(t.Context(), root, io.Discard)
	require.NoError(t, err)
	stack, err = local.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop(context.Background())) })
	return stack, true
}

// requireChargedOnce waits until each call is in the ledger once, with its amount,
// and the crm has accepted one message about it. Callbacks that were refused are
// found by the sweep.
func requireChargedOnce(ctx context.Context, t *testing.T, stack *local.Stack, calls []tencentsim.Call) {
	t.Helper()
	store, err := ledger.OpenReadOnly(ctx, stack.LedgerURL())
	require.NoError(t, err)
	defer store.Close()
	for _, call := range calls {
		id := call.Record.CallID
		require.Eventually(t, func() bool {
			f, err := local.Follow(ctx, stack.Temporal, call) // it gives up when its node is gone
			return err == nil && f.Status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
		}, testTimeout, pollInterval, id)
		entries, err := store.Get(ctx, call.SDKAppID, id)
		require.NoError(t, err)
		require.Len(t, entries, 1, id)
		require.Equal(t, "0.24", entries[0].Charge.Amount.Number(), id)
		messages := stack.Webhooks.Messages(webhookreceiver.Filter{Target: "crm", CallID: id})
		require.Len(t, messages, 1, id)
		require.False(t, messages[0].BodyChanged, id)
	}
}
