package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"aftercall/dev/local"
	"aftercall/internal/notify"
)

// planted are accounts and a room that must not appear in certain places.
var planted = []string{"planted-account-1", "planted-account-2", "planted-account-3", "planted-account-4", "4242424242"}

// plantedSamples returns the samples with the planted accounts, room and reason of
// a decision.
func plantedSamples() []local.Sample {
	samples := local.Samples()
	for i := range samples {
		spec := &samples[i].Spec
		if seconds := samples[i].Want.MemberSeconds; seconds != nil {
			samples[i].Want.MemberSeconds = map[string]int64{}
			for j, m := range spec.Members {
				samples[i].Want.MemberSeconds[planted[j]] = seconds[m]
				spec.Attendance[j].Member = planted[j] // each member has one stay
			}
		}
		caller := planted[0]
		if samples[i].Want.Payer != "" {
			caller, samples[i].Want.Payer = spec.Members[0], planted[1] // the rule of the app is for this caller
		}
		spec.Members = append([]string{caller}, planted[1:max(spec.GroupSize, len(spec.Members), 2)]...)
		spec.Caller, spec.RoomID, spec.GroupSize = caller, planted[4], 0
		if samples[i].Decide != nil {
			decision := *samples[i].Decide
			decision.Reason = plantedReason
			samples[i].Decide = &decision
		}
		if spec.RecordFault != nil {
			fault := *spec.RecordFault
			fault.Info = plantedInfo
			spec.RecordFault = &fault
		}
	}
	return samples
}

const (
	plantedReason = "planted-reason"
	// plantedInfo is Tencent's ErrorInfo for a call whose record is not there at
	// first, so that it becomes the message of failures.
	plantedInfo = "planted-error-info"
)

// secretsOf returns the secrets that starter and worker must not reveal.
func secretsOf(t *testing.T, s *local.Stack) []string {
	t.Helper()
	var all []string
	for _, app := range s.Config.Apps {
		all = append(all, app.SecretKey.Reveal(), app.Callback.Secret.Reveal(), app.Callback.Token.Reveal(), app.Evidence.RoomKey.Reveal())
	}
	for _, target := range s.Config.Targets {
		if webhook, ok := target.Options.(*notify.WebhookOptions); ok {
			for _, secret := range webhook.Secrets {
				all = append(all, secret.Reveal())
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	require.NotEmpty(t, all)
	return append(all, "usersig=", "Sign=")
}

// requireNone requires that text contains none of the private texts.
func requireNone(t *testing.T, where, text string, private []string) {
	t.Helper()
	require.NotEmpty(t, text, where)
	for _, p := range private {
		require.NotContains(t, text, p, where)
	}
}

// rawHistory returns the history as stored, without decoding payloads.
func rawHistory(ctx context.Context, t *testing.T, s *local.Stack, execution *commonpb.WorkflowExecution) []*historypb.HistoryEvent {
	t.Helper()
	var events []*historypb.HistoryEvent
	var token []byte
	for {
		page, err := s.Temporal.WorkflowService().GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: client.DefaultNamespace, Execution: execution, NextPageToken: token,
		})
		require.NoError(t, err)
		events = append(events, page.GetHistory().GetEvents()...)
		if token = page.GetNextPageToken(); len(token) == 0 {
			return events
		}
	}
}

// asText returns messages as text, with readable payloads.
func asText(t *testing.T, messages ...proto.Message) string {
	t.Helper()
	var b strings.Builder
	for _, m := range messages {
		j, err := protojson.Marshal(m)
		require.NoError(t, err)
		b.Write(j)
		b.WriteString("\n")
		wire, err := proto.Marshal(m)
		require.NoError(t, err)
		b.Write(wire) // bytes without base64
	}
	return b.String()
}

// withoutSearchAttributes removes the search attributes, which are not encrypted
// because the server searches them.
func withoutSearchAttributes(events []proto.Message) []proto.Message {
	for _, event := range events {
		event := event.(*historypb.HistoryEvent)
		if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			started.SearchAttributes = nil
		}
		if child := event.GetStartChildWorkflowExecutionInitiatedEventAttributes(); child != nil {
			child.SearchAttributes = nil
		}
		if upserted := event.GetUpsertWorkflowSearchAttributesEventAttributes(); upserted != nil {
			upserted.SearchAttributes = nil
		}
		if child := event.GetStartChildWorkflowExecutionInitiatedEventAttributes(); child != nil {
			child.SearchAttributes = nil
		}
	}
	return events
}

// executions returns the visibility records of all workflows.
func executions(ctx context.Context, t *testing.T, s *local.Stack) *workflowservice.ListWorkflowExecutionsResponse {
	t.Helper()
	list, err := s.Temporal.WorkflowService().ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: client.DefaultNamespace, PageSize: 1000,
	})
	require.NoError(t, err)
	require.NotEmpty(t, list.GetExecutions())
	return list
}

// database returns the content of the server's database files.
func database(t *testing.T, s *local.Stack) string {
	t.Helper()
	var all strings.Builder
	files, err := filepath.Glob(filepath.Join(s.Dir(), "temporal.db*"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(data)
	}
	return all.String()
}

// logsAndMetrics returns the logs and metrics of starter and worker, by name.
func logsAndMetrics(ctx context.Context, t *testing.T, s *local.Stack) map[string]string {
	t.Helper()
	all := map[string]string{}
	for service, metrics := range map[string]string{"starter": s.MetricsURL(), "worker": s.WorkerMetricsURL()} {
		log, err := os.ReadFile(filepath.Join(s.Dir(), "logs", service+".log"))
		require.NoError(t, err)
		all["log of "+service] = string(log)
		status, body := request(ctx, t, http.MethodGet, metrics, nil, nil)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, "aftercall_")
		all["metrics of "+service] = body
	}
	require.Contains(t, all["log of starter"], "call accepted")
	require.Contains(t, all["log of worker"], "WorkflowID")
	return all
}

// TestEncryptedRun runs the samples with encryption and searches everything that
// can be read without a key: answers of the server, its database file, logs and
// metrics.
func TestEncryptedRun(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	stack := startStack(t, func(o *local.Options) { o.Encrypt = true })
	ran, others, err := stack.RunSamples(ctx, plantedSamples())
	require.NoError(t, err)
	require.Empty(t, local.Deviations(ran, others))

	encryption, ok, err := local.ReadEncryption(stack.Dir())
	require.NoError(t, err)
	require.True(t, ok)
	_, key, _ := strings.Cut(encryption.Keys, ":")
	private := append(secretsOf(t, stack), append(planted, plantedReason, plantedInfo, key, encryption.Token)...)

	rows := executions(ctx, t, stack)
	requireNone(t, "visibility", asText(t, rows), private)
	for _, row := range rows.GetExecutions() {
		var messages []proto.Message
		for _, event := range rawHistory(ctx, t, stack, row.GetExecution()) {
			messages = append(messages, event)
		}
		requireNone(t, "history of "+row.GetExecution().GetWorkflowId(), asText(t, messages...), private)
		for _, event := range withoutSearchAttributes(messages) {
			require.NotContains(t, asText(t, event), "json/plain", "every payload is encrypted")
		}
	}
	requireNone(t, "database", database(t, stack), private)
	for where, text := range logsAndMetrics(ctx, t, stack) {
		requireNone(t, where, text, private)
	}

	// A second callback is compared with the encrypted memo of the first.
	before := logsAndMetrics(ctx, t, stack)["metrics of starter"]
	require.NoError(t, stack.ForgetInRedis(ctx, ran[0].Call))
	require.NoError(t, stack.Tencent.RepeatCallback(ran[0].Call.SDKAppID, ran[0].Call.Record.CallID, json.RawMessage(`{"CallResult":"Interrupt"}`)))
	require.NoError(t, stack.Tencent.Wait(ctx))
	require.NotContains(t, logsAndMetrics(ctx, t, stack)["log of starter"], "could not be compared")
	require.NotEqual(t, conflicts(before), conflicts(logsAndMetrics(ctx, t, stack)["metrics of starter"]))

	// With the token, the codec server decodes what the Web UI shows.
	started := rawHistory(ctx, t, stack, &commonpb.WorkflowExecution{WorkflowId: ran[0].Execution.WorkflowID})[0]
	input, err := protojson.Marshal(started.GetWorkflowExecutionStartedEventAttributes().GetInput())
	require.NoError(t, err)
	summary, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{started.GetUserMetadata().GetSummary()}})
	require.NoError(t, err)
	for text, sealed := range map[string][]byte{planted[0]: input, "Audio · one to one": summary} {
		header := http.Header{"Authorization": {"Bearer " + encryption.Token}, "X-Namespace": {client.DefaultNamespace}}
		status, body := request(ctx, t, http.MethodPost, stack.CodecURL()+"/decode", header, sealed)
		require.Equal(t, http.StatusOK, status)
		var decoded commonpb.Payloads
		require.NoError(t, protojson.Unmarshal([]byte(body), &decoded))
		require.Contains(t, string(decoded.GetPayloads()[0].GetData()), text)
		status, _ = request(ctx, t, http.MethodPost, stack.CodecURL()+"/decode", nil, sealed)
		require.Equal(t, http.StatusUnauthorized, status)
	}
}

func request(ctx context.Context, t *testing.T, method, url string, header http.Header, body []byte) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	require.NoError(t, err)
	maps.Copy(req.Header, header)
	resp, err := (&http.Client{Timeout: testTimeout}).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(data)
}

// TestPlainRun searches the places that must not contain accounts even without
// encryption.
func TestPlainRun(t *testing.T) {
	ctx := testContext(t)
	ran, others, err := shared.RunSamples(ctx, plantedSamples())
	require.NoError(t, err)
	require.Empty(t, local.Deviations(ran, others))
	private := append(secretsOf(t, shared), planted...)
	requireNone(t, "visibility", asText(t, executions(ctx, t, shared)), private)
	for where, text := range logsAndMetrics(ctx, t, shared) {
		requireNone(t, where, text, private)
	}
	status, _ := request(ctx, t, http.MethodPost, strings.TrimSuffix(shared.WorkerMetricsURL(), "/metrics")+"/codec/decode", nil, nil)
	require.Equal(t, http.StatusNotFound, status, "no codec endpoint without keys and token")
	for _, row := range executions(ctx, t, shared).GetExecutions() {
		for _, event := range rawHistory(ctx, t, shared, row.GetExecution()) {
			if event.GetUserMetadata() != nil {
				requireNone(t, "summary and details", asText(t, event.GetUserMetadata()), private)
			}
			if started := event.GetWorkflowExecutionStartedEventAttributes(); started.GetMemo() != nil {
				requireNone(t, "memo", asText(t, started.GetMemo()), private)
			}
		}
		details, err := shared.Query(ctx, row.GetExecution().GetWorkflowId(), row.GetExecution().GetRunId(), "__temporal_workflow_metadata")
		if errors.As(err, new(*serviceerror.WorkflowNotReady)) {
			continue // its first task waits for the start delay
		}
		require.NoError(t, err)
		var metadata sdkpb.WorkflowMetadata
		require.NoError(t, details.Get(&metadata))
		for _, p := range private {
			require.NotContains(t, metadata.GetCurrentDetails(), p)
		}
	}
	started := rawHistory(ctx, t, shared, &commonpb.WorkflowExecution{WorkflowId: ran[0].Execution.WorkflowID})[0]
	require.NotNil(t, started.GetUserMetadata())
	require.Contains(t, asText(t, started.GetWorkflowExecutionStartedEventAttributes().GetInput()), planted[0],
		"the input is not encrypted, so the search works")
	require.Contains(t, database(t, shared), planted[0], "the database is not encrypted, so the search of the other test works")
}

// conflicts returns the line of the metrics with the number of conflicts.
func conflicts(metrics string) string {
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, `aftercall_callback_conflicts_total{app="clinic"}`) {
			return line
		}
	}
	return ""
}
