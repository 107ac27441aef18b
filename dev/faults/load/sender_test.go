package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func send(ctx context.Context, t *testing.T, url string) (status int, answer string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/path?query=1", strings.NewReader("callback"))
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: sender{}}).Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// TestSender: the receiver gets the request, each on a connection of its own.
func TestSender(t *testing.T) {
	t.Parallel()
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.URL.String(), string(body)}, " "))
	}))
	defer server.Close()
	for range 2 {
		status, answer, err := send(t.Context(), t, server.URL)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, "POST /path?query=1 callback", answer)
	}
	require.Len(t, connections, 2)
}

// TestSenderGivesUp: on an answer that does not come in time, and on nobody.
func TestSenderGivesUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := send(ctx, t, server.URL)
	require.ErrorContains(t, err, "timeout")
	close(release)
	server.Close()
	_, _, err = send(t.Context(), t, server.URL)
	require.ErrorContains(t, err, "refused")
}
