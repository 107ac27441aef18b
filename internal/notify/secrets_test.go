package notify

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsDoNotRepeatTheRequest(t *testing.T) {
	for _, line := range []string{"HTTP/1.1 %s", "POST %s", "HTTP/1.1 200 OK\r\n%s", "HTTP/1.1 xxxxx%s", "HTTP/1.1 %a", "%a"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = conn.Write([]byte(strings.NewReplacer("%s", r.URL.RequestURI(), "%a", r.Header.Get("Authorization")).Replace(line) + strings.Repeat("x", 60_000) + "\r\n\r\n"))
			_ = conn.Close()
		}))
		client := NewHTTPClient(Network{AllowPrivate: true})
		_, err := post(t.Context(), client, server.URL+"/services/T0001/B0001/canary4711?key=canary0815",
			http.Header{"Authorization": {"Bearer sk_live_canary9999"}}, nil)
		server.Close()
		require.Error(t, err, line)
		require.NotContains(t, err.Error(), "canary", line)
		require.LessOrEqual(t, len(err.Error()), 1<<10, line)
	}
}
