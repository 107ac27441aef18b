package callback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
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
		`{app="bank",outcome="duplicate"} 1`, `{app="bank",outcome="failed"} 1`, `{app="bank",outcome="started"} 1`, `{app="bank",outcome="throttled"} 0`)
	f.requireCallbacks(
		`{app="bank",outcome="relayed",status="200"} 2`, `{app="bank",outcome="ignored",status="200"} 1`,
		`{app="bank",outcome="unavailable",status="503"} 1`, `{app="clinic",outcome="started",status="200"} 1`)
}

// TestRelayHoldsNoConnection has Temporal not answer, and two callbacks of a
// known call on one connection that stays open.
func TestRelayHoldsNoConnection(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(relayURL(relayEnd), body))
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
	defer server.Close()
	reused := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if info.Reused {
			reused++
		}
	}})
	for range 3 {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+relayURL(relayEnd), strings.NewReader(body))
		require.NoError(t, err)
		resp, err := server.Client().Do(request)
		require.NoError(t, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.JSONEq(t, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, string(answer))
	}
	require.Equal(t, 2, reused)
	f.requireMetric("aftercall_relays_total", `{app="bank",outcome="started"} 1`, `{app="bank",outcome="throttled"} 0`) // none of the three has ended

	waited := make(chan struct{})
	go func() {
		f.handler.relays.Wait()
		close(waited)
	}()
	select {
	case <-waited:
		require.Fail(t, "the shutdown did not wait for the relays")
	case <-time.After(50 * time.Millisecond): // it would have been through
	}
	close(release)
	<-waited
	f.requireMetric("aftercall_relays_total", `{app="bank",outcome="started"} 4`, `{app="bank",outcome="throttled"} 0`)
}

// TestTooManyRelayStarts has Temporal not answer until memory is at its bound.
func TestTooManyRelayStarts(t *testing.T) {
	f := withMiniredis(t)
	f.handler.relaySlots = make(chan struct{}, 1)
	f.handler.relaySlots <- struct{}{}
	require.Equal(t, http.StatusServiceUnavailable, f.post(relayURL(startCmd), started).Code)
	require.Empty(t, f.temporal.relayed())
	f.requireMetric("aftercall_relays_total", `{app="bank",outcome="failed"} 1`, `{app="bank",outcome="throttled"} 0`)
	<-f.handler.relaySlots
	f.requireOK(f.post(relayURL(startCmd), started))
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
