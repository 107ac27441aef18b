package notify

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRelaySendsByteForByte(t *testing.T) {
	var got *http.Request
	var body []byte
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	relay, err := NewRelay(server.URL+"/tencent/callback%2Fx", NewHTTPClient(Network{AllowPrivate: true}), time.Now)
	require.NoError(t, err)

	// An order, an encoding and a repetition that a parser would not bring back.
	const query = "Sign=abc&RequestTime=1700000000&SdkAppid=1400000000&b=%7e&a=1+2&b=&OptPlatform=i%20OS"
	const raw = "{ \"CallId\":\"c1\",\n \"x\" : 1.0, \"CallId\":\"c2\"}"
	require.NoError(t, relay.Send(t.Context(), query, "application/json; charset=utf-8", []byte(raw)))
	require.Equal(t, query, got.URL.RawQuery)
	require.Equal(t, "/tencent/callback%2Fx", got.URL.EscapedPath())
	require.Equal(t, "application/json; charset=utf-8", got.Header.Get("Content-Type"))
	require.Equal(t, raw, string(body))
	require.Equal(t, http.MethodPost, got.Method)

	require.NoError(t, relay.Send(t.Context(), "", "", nil))
	require.Empty(t, got.Header.Values("Content-Type"), "none came")
	require.Empty(t, got.URL.RawQuery)

	status = http.StatusServiceUnavailable
	var statusErr *StatusError
	require.ErrorAs(t, relay.Send(t.Context(), query, "", nil), &statusErr)
	require.Equal(t, Temporary, statusErr.Class())
}
