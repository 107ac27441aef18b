package callback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/internal/tencent"
)

const (
	relayEnd = "SdkAppid=1400000002&CallbackCommand=Call.CallbackAfterEndCall&contenttype=json&ClientIP=127.0.0.1&OptPlatform=i%20OS&Sign=a1&RequestTime=7"
	startCmd = "SdkAppid=1400000002&CallbackCommand=Call.CallbackAfterStartCall"
	started  = `{"CallInfo": {"CallId":"c-1"}, "new": [1.0]}`
)

func relayURL(query string) string { return PathPrefix + relayPath + "?" + query }

func TestRelayOfAnEndedCall(t *testing.T) {
	f := embedded(t)
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Len(t, f.calls.started, 1, "the call is charged all the same")
	require.Equal(t, []activities.ForwardParams{{
		SDKAppID: relayID, App: "bank", Command: tencent.CommandAfterEndCall, CallID: "055662e1-bc8a-469c-a334-1126c8c17d58",
		Query: relayEnd, Body: []byte(body),
	}}, f.calls.relayed(), "byte for byte")
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Len(t, f.calls.relayed(), 2, "a duplicate is for the workflow ID to find out")
}

func TestRelayOfOtherCommands(t *testing.T) {
	f := embedded(t)
	f.requireOK(f.post(relayURL(startCmd), started))
	require.Len(t, f.calls.relayed(), 1)
	require.Equal(t, "c-1", f.calls.relayed()[0].CallID)
	require.Zero(t, f.calls.asked)
	f.requireOK(f.post(relayURL(strings.Replace(startCmd, "AfterStartCall", "AfterMemberChanged", 1)), `{"CallId":"c-1"}`))
	require.Len(t, f.calls.relayed(), 1, "not one of the commands chosen")
	f.requireOK(f.post(good, body))
	require.Len(t, f.calls.relayed(), 1, "not an app with a relay")

	f.calls.onRelay = func(context.Context) error { return errors.New("Temporal is down") }
	require.Equal(t, http.StatusServiceUnavailable, f.post(relayURL(startCmd), started).Code, "an OK would lose it")
	require.NoError(t, testutil.GatherAndCompare(f.reg, strings.NewReader(`
# HELP aftercall_relays_total Callbacks to pass on to the app's own backend, by app and outcome of starting that: started, duplicate, failed.
# TYPE aftercall_relays_total counter
aftercall_relays_total{app="bank",outcome="failed"} 1
aftercall_relays_total{app="bank",outcome="started"} 1
`), "aftercall_relays_total"))
}

// TestRelayDoesNotDelayTheAnswer has a relay that starts only after the answer
// was read, and checks that the request holds a shutdown up until then.
func TestRelayDoesNotDelayTheAnswer(t *testing.T) {
	f := embedded(t)
	release := make(chan struct{})
	f.calls.onRelay = func(ctx context.Context) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	server := httptest.NewServer(f.handler)
	resp, err := server.Client().Post(server.URL+relayURL(relayEnd), "application/json", strings.NewReader(body))
	require.NoError(t, err)
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.JSONEq(t, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, string(answer))

	stopped := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() { stopped <- server.Config.Shutdown(ctx) }()
	select {
	case err := <-stopped:
		require.NoError(t, err)
		require.Fail(t, "the shutdown did not wait for the relay")
	case <-time.After(50 * time.Millisecond): // it would have been through
	}
	close(release)
	require.NoError(t, <-stopped)
	server.Close()
}

func TestAFailingRelayEndangersNoCall(t *testing.T) {
	f := embedded(t)
	f.calls.onRelay = func(context.Context) error { return errors.New("no") }
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Len(t, f.calls.started, 1)
}
