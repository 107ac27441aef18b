package tencent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsDoNotRepeatTheUserSig: whatever is at the other end sends the request
// back, as a status line, as a header or in ErrorInfo.
func TestErrorsDoNotRepeatTheUserSig(t *testing.T) {
	for name, answer := range map[string]func(uri, sig string) string{
		"status line": func(uri, _ string) string { return "HTTP/1.1 " + uri + "\r\n\r\n" },
		"only line":   func(uri, _ string) string { return "POST " + uri + " HTTP/1.1\r\n\r\n" },
		"header":      func(uri, _ string) string { return "HTTP/1.1 200 OK\r\n" + uri + "\r\n\r\n" },
		"long":        func(uri, _ string) string { return "HTTP/1.1 " + strings.Repeat("x", 60_000) + uri + "\r\n\r\n" },
		"ErrorInfo": func(_, sig string) string {
			body := fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorCode":60002,"ErrorInfo":"usersig %s\u202e\u001b[31m%s","RequestId":"%s"}`, sig, strings.Repeat("y", 9000), sig)
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		},
	} {
		var sig string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sig = r.URL.Query().Get("usersig")
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer func(c net.Conn) { _ = c.Close() }(conn)
			_, _ = conn.Write([]byte(answer(r.URL.RequestURI(), sig)))
		}))
		client := NewClient(ClientOptions{SDKAppID: 1400000000, BaseURL: server.URL, Identifier: "administrator", SecretKey: "key", HTTP: NewHTTPClient(1)})
		_, err := client.Record(t.Context(), "call-1")
		server.Close()
		require.Error(t, err, name)
		require.Greater(t, len(sig), 40, name)
		require.NotContains(t, err.Error(), sig[10:30], name)
		require.LessOrEqual(t, len(err.Error()), 2<<10, name)
		require.NotContains(t, err.Error(), "\x1b", name)
		require.NotContains(t, err.Error(), "\u202e", name)
	}
}

// TestUnreadableAnswersDoNotRepeatTheUserSig: the request comes back in an answer that
// reports success, as its RequestId and as what should be a record.
func TestUnreadableAnswersDoNotRepeatTheUserSig(t *testing.T) {
	for name, response := range map[string]string{
		"no object": `"SIG"`, "no record": `{"CallRecord":"SIG"}`, "no list": `{"CallRecordList":"SIG"}`,
		"odd record": `{"CallRecord":{"CallId":"call-1","EndTime":"SIG"},"CallRecordList":[{"CallId":"call-1","EndTime":"SIG"}]}`,
	} {
		var sig string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sig = r.URL.Query().Get("usersig")
			id, err := json.Marshal("\x1b[31m\u202e" + sig + strings.Repeat("y", 9000))
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(w, `{"ActionStatus":"OK","ErrorCode":0,"RequestId":%s,"Response":%s}`, id, strings.ReplaceAll(response, "SIG", sig))
		}))
		client := NewClient(ClientOptions{SDKAppID: 1400000000, BaseURL: server.URL, Identifier: "administrator", SecretKey: "key", HTTP: NewHTTPClient(1)})
		_, recordErr := client.Record(t.Context(), "call-1")
		page, pageErr := client.Records(t.Context(), RecordFilter{Page: 1, NumberPerPage: 1})
		_, callbackErr := client.Callback(t.Context())
		server.Close()
		require.Error(t, recordErr, name)
		require.Greater(t, len(sig), 40, name)
		var unreadable *UnreadableRecordError
		require.ErrorAs(t, recordErr, &unreadable, name)
		texts := []string{unreadable.Raw}
		for _, row := range page.Rows {
			texts = append(texts, row.Raw)
		}
		for _, err := range []error{recordErr, pageErr, callbackErr} {
			if err == nil {
				continue
			}
			texts = append(texts, err.Error(), fmt.Sprintf("%+v", errors.Unwrap(err)))
			require.LessOrEqual(t, len(err.Error()), 2<<10, name)
			require.NotContains(t, err.Error(), "\x1b", name)
			require.NotContains(t, err.Error(), "\u202e", name)
		}
		for _, text := range texts {
			require.NotContains(t, text, sig[10:30], name)
		}
	}
}
