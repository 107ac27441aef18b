package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/dedupe"
	"aftercall/internal/evidence"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

func description(t *testing.T) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, location *url.URL) ([]byte, error) { return os.ReadFile(location.Path) }
	spec, err := loader.LoadFromFile("../../docs/openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, spec.Validate(t.Context()))
	return spec
}

func matches(schema *openapi3.Schema, text string) error {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return err
	}
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020())
}

// TestEventsAreThoseDescribed checks every event against the webhook of the description.
func TestEventsAreThoseDescribed(t *testing.T) {
	schema := description(t).Webhooks["event"].Post.RequestBody.Value.Content.Get("application/json").Schema.Value
	for _, event := range notify.Samples() {
		text, err := json.Marshal(event)
		require.NoError(t, err)
		require.NoError(t, matches(schema, string(text)), event.Type)
		require.Error(t, matches(schema, strings.Replace(string(text), `"version":1`, `"version":2`, 1)), event.Type)
		if event.Type == notify.EventCallCharged {
			require.Error(t, matches(schema, strings.Replace(string(text), `"amount":"0.24"`, `"amount":"much"`, 1)))
		}
	}
}

// TestAnswersAreThoseDescribed posts callbacks to the handler, and compares the
// statuses of the description with those of docs/callback.md.
func TestAnswersAreThoseDescribed(t *testing.T) {
	responses := description(t).Paths.Find("/tencent/call/{secret}").Post.Responses
	page, err := os.ReadFile("../../docs/callback.md")
	require.NoError(t, err)
	table := regexp.MustCompile(`(?ms)^\| callback \| answer \|$.*?\n\n`).FindString(string(page))
	var documented []string
	for _, row := range strings.Split(strings.TrimSpace(table), "\n")[2:] {
		answer := strings.Split(row, " | ")[1]
		documented = append(documented, regexp.MustCompile(`\b[2-5]\d\d\b`).FindAllString(answer, -1)...)
	}
	slices.Sort(documented)
	require.ElementsMatch(t, slices.Compact(documented), responses.Keys())

	handler := callback.New(
		[]callback.App{{ID: 1400000000, Name: "clinic", Secrets: []string{"a-callback-path-secret"}}},
		dedupe.New(nil, dedupe.DefaultWindow, time.Now, prometheus.NewRegistry()), callback.Limits{}, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler),
	)
	defer handler.Close()
	const path, ended = "/tencent/call/a-callback-path-secret", `{"CallbackCommand":"Call.CallbackAfterEndCall"}`
	for status, request := range map[int]*http.Request{
		200: httptest.NewRequest(http.MethodPost, path+"?SdkAppid=1400000000", strings.NewReader(`{"CallbackCommand":"Call.Other"}`)),
		400: httptest.NewRequest(http.MethodPost, path+"?SdkAppid=1400000000", strings.NewReader(ended)),
		403: httptest.NewRequest(http.MethodPost, path, strings.NewReader(ended)),
		404: httptest.NewRequest(http.MethodPost, "/tencent/call/wrong", strings.NewReader(ended)),
		405: httptest.NewRequest(http.MethodGet, path, nil),
		413: httptest.NewRequest(http.MethodPost, path, strings.NewReader(strings.Repeat("x", 65<<10))),
		414: httptest.NewRequest(http.MethodPost, path+"?x="+strings.Repeat("x", 5<<10), strings.NewReader(ended)),
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		require.Equal(t, status, answer.Code)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		described := responses.Value(strconv.Itoa(status)).Value.Content.Get("application/json").Schema.Value
		require.NoError(t, matches(described, string(body)), status)
	}
}

// keeping keeps everything.
type keeping struct{}

func (keeping) Keep(_ context.Context, events []evidence.Event) ([]bool, error) {
	return make([]bool, len(events)), nil
}

// TestRoomsAreThoseDescribed posts webhooks of rooms to the handler.
func TestRoomsAreThoseDescribed(t *testing.T) {
	spec := description(t)
	operation := spec.Paths.Find("/tencent/rtc/{secret}").Post
	reg := prometheus.NewRegistry()
	handler := callback.New(
		[]callback.App{{ID: 1400000000, Name: "clinic", Secrets: []string{"a-callback-path-secret"}, RoomKeys: []string{"key"}}},
		dedupe.New(nil, dedupe.DefaultWindow, time.Now, prometheus.NewRegistry()), callback.Limits{}, nil, reg, slog.New(slog.DiscardHandler),
	)
	defer handler.Close()
	handler.KeepEvidence(keeping{}, reg)
	const entered = `{"EventGroupId":1,"EventType":103,"EventInfo":{"RoomId":12345,"EventMsTs":1687770731831,"UserId":"test"}}`
	require.NoError(t, matches(operation.RequestBody.Value.Content.Get("application/json").Schema.Value, entered))
	for status, request := range map[int]struct{ app, body, sign string }{
		200: {"1400000000", entered, tencent.RoomSign("key", []byte(entered))},
		400: {"1400000000", "{}", tencent.RoomSign("key", []byte("{}"))},
		401: {"1400000000", entered, tencent.RoomSign("another", []byte(entered))},
		403: {"1", entered, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/tencent/rtc/a-callback-path-secret", strings.NewReader(request.body))
		r.Header.Set("SdkAppId", request.app)
		r.Header.Set("Sign", request.sign)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		require.Equal(t, status, answer.Code)
		described := operation.Responses.Value(strconv.Itoa(status)).Value.Content.Get("application/json").Schema.Value
		require.NoError(t, matches(described, answer.Body.String()), status)
	}
}

// TestCallbacksAreThoseDescribed: the commands that Tencent posts are the examples.
func TestCallbacksAreThoseDescribed(t *testing.T) {
	spec := description(t)
	var examples []any
	for _, command := range tencent.Commands {
		examples = append(examples, string(command))
	}
	require.Equal(t, examples, spec.Components.Schemas["Command"].Value.Examples)
	schema := spec.Components.Schemas["Callback"].Value
	require.NoError(t, matches(schema, `{"CallbackCommand":"Call.CallbackAfterEndCall","EventTime":1772366400123,"CallRecord":{"CallId":"a"}}`))
	require.Error(t, matches(schema, `{"CallbackCommand":"Call.CallbackAfterEndCall","CallRecord":{}}`))
}
