package local_test

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/tracereceiver"
	"aftercall/internal/tencent"
)

// TestTraces follows a call through both processes by the spans that they send to
// a collector.
func TestTraces(t *testing.T) {
	var received tracereceiver.Receiver
	collector := httptest.NewServer(&received)
	t.Cleanup(collector.Close)
	environ := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}
	for name, value := range environ {
		t.Setenv(name, value) // the exporter reads the process's own environment
	}
	ctx := testContext(t)
	stack := startStack(t, func(o *local.Options) { o.Environ = environ })

	call, f := ordinaryCall(t, stack, tencentsim.CallSpec{
		SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5,
		Caller: planted[0], Members: planted[:2], RoomID: planted[4],
	})
	// A call with failures is logged by Temporal's SDK.
	failing, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5, Caller: planted[0], Members: planted[:2], RoomID: planted[4],
		RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Times: 2},
	})
	require.NoError(t, err)
	_, err = local.Follow(ctx, stack.Temporal, failing)
	require.NoError(t, err)
	private := append(secretsOf(t, stack), planted...)
	require.NoError(t, stack.StopPart("starter"))
	require.NoError(t, stack.StopPart("worker"))

	spans := received.Spans("aftercall.call_id", call.Record.CallID)
	nodes := tracereceiver.Tree(spans)
	for _, s := range spans {
		require.Equal(t, spans[0].TraceID, s.TraceID, "%s is in the one trace of the call", s.Name)
		require.False(t, s.Failed && !strings.Contains(s.Name, "evalsha"), "%s failed", s.Name) // the first call of a script fails
	}
	requirePath(t, nodes, "callback", "redis evalsha")
	requirePath(t, nodes, "callback", "StartWorkflow:AfterCall", "RunWorkflow:AfterCall", "StartActivity:FetchRecord", "RunActivity:FetchRecord", "record API POST")
	requirePath(t, nodes, "callback", "StartWorkflow:AfterCall", "RunWorkflow:AfterCall", "StartActivity:Charge", "RunActivity:Charge", "ledger INSERT")
	requirePath(t, nodes, "callback", "StartWorkflow:AfterCall", "RunWorkflow:AfterCall", "StartActivity:Notify", "RunActivity:Notify", "deliver POST")
	for _, n := range nodes {
		if n.Name == "callback" || n.Name == "RunWorkflow:AfterCall" {
			require.Equal(t, map[string]string{"callback": "aftercall-starter", "RunWorkflow:AfterCall": "aftercall-worker"}[n.Name], n.Service)
		}
	}
	requireNone(t, "traces", received.Received(), private)
	requireNone(t, "no trace of a health check", received.Received(), []string{"readyz", "ledger SELECT 1"})

	// Logs name the trace, the workflow and the call.
	line := logLine(t, stack, "starter", "call accepted")
	require.Equal(t, spans[0].TraceID, line["TraceID"])
	require.Equal(t, call.Record.CallID, line["call_id"])
	require.Equal(t, f.WorkflowID, line["WorkflowID"])
	line = logLine(t, stack, "worker", "Activity error.")
	require.Equal(t, failing.Record.CallID, line["call_id"])
	require.Equal(t, local.WorkflowID(failing), line["WorkflowID"])
}

// requirePath requires a path of nested spans whose names have these prefixes.
func requirePath(t *testing.T, nodes []tracereceiver.Node, names ...string) {
	t.Helper()
	var path []string // of the current node
	found := slices.ContainsFunc(nodes, func(n tracereceiver.Node) bool {
		path = append(path[:n.Depth], n.Name)
		return slices.EqualFunc(path, names, strings.HasPrefix)
	})
	var tree strings.Builder
	for _, n := range nodes {
		tree.WriteString(strings.Repeat("  ", n.Depth) + n.Name + "\n")
	}
	require.True(t, found, "%v in:\n%s", names, tree.String())
}

// logLine returns the first line with a message in the log of a service.
func logLine(t *testing.T, s *local.Stack, service, message string) (line map[string]any) {
	t.Helper()
	file, err := os.Open(filepath.Join(s.Dir(), "logs", service+".log"))
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if line["msg"] == message {
			return line
		}
		clear(line)
	}
	require.Fail(t, "no such line", message)
	return nil
}
