package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/tencent"
)

// TestRelays: a callback that was promised and has not arrived is found, as is one that
// arrives with another body than it was posted with.
func TestRelays(t *testing.T) {
	b := newBackend()
	arrive := func(command tencent.Command, body string) int {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequest(http.MethodPost, relayPath+"?"+postedQuery(clinic, command), strings.NewReader(body)))
		return w.Code
	}
	posted := func(command tencent.Command, status int, body string) tencentsim.PostedCallback {
		return tencentsim.PostedCallback{Command: command, Status: status, Body: []byte(body)}
	}
	calls := []tencentsim.Call{
		{SDKAppID: tutoring, Callbacks: []tencentsim.PostedCallback{posted(tencent.CommandAfterStartCall, 200, "not relayed")}},
		{SDKAppID: clinic, Record: tencent.CallRecord{CallID: "call"}, Callbacks: []tencentsim.PostedCallback{
			posted(tencent.CommandAfterStartCall, 503, "start"), posted(tencent.CommandAfterStartCall, 200, "start"),
			posted(tencent.CommandAfterEndCall, 200, "end"),
		}},
	}
	find := func(posting bool) (kinds []string) {
		for _, f := range checker.Check(checker.Evidence{Relays: b.relays(calls, posting)}) {
			kinds = append(kinds, f.Kind)
		}
		return kinds
	}
	require.Equal(t, []string{checker.NotRelayed}, find(false), "the start was answered OK; the answer about the end does not wait for the relay")
	b.fail(webhookreceiver.Failure{Status: http.StatusBadGateway})
	require.Equal(t, http.StatusBadGateway, arrive(tencent.CommandAfterStartCall, "start"))
	require.Equal(t, []string{checker.NotRelayed}, find(false))
	b.fail(webhookreceiver.Failure{})
	require.Equal(t, http.StatusOK, arrive(tencent.CommandAfterStartCall, "start"))
	require.Empty(t, find(false))
	require.Equal(t, http.StatusOK, arrive(tencent.CommandAfterEndCall, "End"))
	require.Empty(t, find(true), "it may be under way")
	require.Equal(t, []string{checker.ChangedBody}, find(false))
}
