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
	f := withMiniredis(t)
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Len(t, f.temporal.started, 1, "the call is handled nevertheless")
	require.Equal(t, []activities.RelayCallbackParams{{
		SDKAppID: relayID, App: "bank", Command: tencent.CommandAfterEndCall, CallID: "055662e1-bc8a-469c-a334-1126c8c17d58",
		Query: relayEnd, Body: []byte(body),
	}}, f.temporal.relayed(), "byte for byte")
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Len(t, f.temporal.relayed(), 2, "a duplicate is for the workflow ID to find out")
}

func TestRelayOfOtherCommands(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(relayURL(startCmd), started))
	require.Len(t, f.temporal.relayed(), 1)
	require.Equal(t, "c-1", f.temporal.relayed()[0].CallID)
	require.Zero(t, f.temporal.starts)
	f.requireOK(f.post(relayURL(strings.Replace(startCmd, "AfterStartCall", "AfterMemberChanged", 1)), `{"CallId":"c-1"}`))
	require.Len(t, f.temporal.relayed(), 1, "not a command that the app relays")
	f.requireOK(f.post(good, body))
	require.Len(t, f.temporal.relayed(), 1, "not an app with a relay")

	f.temporal.onRelay = func(context.Context) (bool, error) { return true, nil }
	f.requireOK(f.post(relayURL(startCmd), started))
	f.temporal.onRelay = func(context.Context) (bool, error) { return false, errDown }
	require.Equal(t, http.StatusServiceUnavailable, f.post(relayURL(startCmd), started).Code, "an OK would lose it")
	f.requireMetric("aftercall_relays_total",
		`{app="bank",outcome="duplicate"} 1`, `{app="bank",outcome="failed"} 1`, `{app="bank",outcome="started"} 1`)
	f.requireCallbacks(
		`{app="bank",outcome="relayed",status="200"} 2`, `{app="bank",outcome="ignored",status="200"} 1`,
		`{app="bank",outcome="unavailable",status="503"} 1`, `{app="clinic",outcome="started",status="200"} 1`)
}

// TestRelayDoesNotDelayTheAnswer has a relay that starts only after the answer
// was read, and checks that the request holds a shutdown up until then.
func TestRelayDoesNotDelayTheAnswer(t *testing.T) {
	f := withMiniredis(t)
	release := make(chan struct{})
	f.temporal.onRelay = func(ctx context.Context) (bool, error) {
		select {
		case <-release:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
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

func TestFailedRelayDoesNotAffectTheCall(t *testing.T) {
	f := withMiniredis(t)
	f.temporal.onRelay = func(context.Context) (bool, error) { return false, errDown }
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Len(t, f.temporal.started, 1)
}

func TestHangingUpDoesNotCancelTheRelay(t *testing.T) {
	f := withMiniredis(t)
	ctx, hangUp := context.WithCancel(context.Background())
	f.temporal.onRelay = func(ctx context.Context) (bool, error) {
		hangUp()
		_, bounded := ctx.Deadline()
		if !bounded {
			return false, errors.New("no deadline")
		}
		return false, ctx.Err()
	}
	r := httptest.NewRequest(http.MethodPost, relayURL(startCmd), strings.NewReader(started)).WithContext(ctx)
	r.Header.Set("Content-Type", "text/plain")
	f.requireOK(f.do(r))
	require.Equal(t, "text/plain", f.temporal.relayed()[0].ContentType)
}
