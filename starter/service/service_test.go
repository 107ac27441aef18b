package service

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/admin"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/testcert"
	"aftercall/internal/testenv/testconfig"
)

// TestShutdown checks that a starter that is stopped is not ready, and
// that it accepts callbacks within its drain time all the same.
func TestShutdown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, testconfig.New().Write(file))
	public, operators := address(t), address(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	web := &http.Client{Timeout: 30 * time.Second}
	go func() {
		ended <- run(ctx, map[string]string{
			"AFTERCALL_CONFIG": file, "AFTERCALL_LISTEN": public, "AFTERCALL_ADMIN_LISTEN": operators, "AFTERCALL_DRAIN": "3s",
			"REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
		}, io.Discard, prometheus.NewRegistry())
	}()
	// problem is what /readyz says about the shutdown, empty if it does not answer.
	problem := func() string {
		resp, err := web.Get("http://" + operators + "/readyz")
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		var status admin.Status
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&status))
		return status.Checks["shutdown"]
	}
	eventually := func(condition func() bool) {
		t.Helper()
		require.Eventually(t, condition, 30*time.Second, 10*time.Millisecond)
	}
	eventually(func() bool { return problem() == "ok" })
	stop()
	eventually(func() bool { return problem() == "missing: shutting down" })
	resp, err := web.Post("http://"+public+"/tencent/call/wrong", "application/json", strings.NewReader("{}"))
	require.NoError(t, err, "not ready, and still there")
	resp.Body.Close()
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.True(t, resp.Close)
	require.NoError(t, <-ended)
	_, err = web.Post("http://"+public+"/tencent/call/wrong", "application/json", strings.NewReader("{}"))
	require.Error(t, err)
}

func address(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + strconv.Itoa(testenv.FreePort(t))
}

// TestLogThatNothingReads has a starter whose log is a full pipe answer all the same.
func TestLogThatNothingReads(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, testconfig.New().Write(file))
	public := address(t)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	defer writer.Close()
	for size := 1 << 20; size > 0; size /= 2 { // until not even a byte fits
		for fill(t, writer, size) {
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, map[string]string{
			"AFTERCALL_CONFIG": file, "AFTERCALL_LISTEN": public, "AFTERCALL_ADMIN_LISTEN": address(t), "AFTERCALL_DRAIN": "0s", "AFTERCALL_LOG_LEVEL": "debug",
			"REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
		}, writer, prometheus.NewRegistry())
	}()
	web := &http.Client{Timeout: 30 * time.Second}
	require.Eventually(t, func() bool {
		resp, err := web.Post("http://"+public+"/tencent/call/wrong", "application/json", strings.NewReader("{}"))
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusNotFound
	}, 30*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended, "and it ends")
}

// fill writes size bytes to a pipe, and reports whether they fitted.
func fill(t *testing.T, writer *os.File, size int) bool {
	t.Helper()
	require.NoError(t, writer.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := writer.Write(make([]byte, size))
	if err != nil {
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	require.NoError(t, writer.SetWriteDeadline(time.Time{}))
	return err == nil
}

// TestCallbacksOverTLS posts over HTTP/2 to a starter with a certificate.
func TestCallbacksOverTLS(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, testconfig.New().Write(file))
	pair := testcert.New(t, "starter")
	certFile, keyFile := pair.Write(t, t.TempDir())
	public := address(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, map[string]string{
			"AFTERCALL_CONFIG": file, "AFTERCALL_LISTEN": public, "AFTERCALL_ADMIN_LISTEN": address(t), "AFTERCALL_DRAIN": "0s",
			"AFTERCALL_TLS_CERT": certFile, "AFTERCALL_TLS_KEY": keyFile,
			"REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
		}, io.Discard, prometheus.NewRegistry())
	}()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: testcert.Pool(pair)}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	post := func(path, body string) (status int, err error) {
		resp, err := web.Post("https://"+public+path, "application/json", strings.NewReader(body))
		if err != nil {
			return 0, err
		}
		require.Equal(t, "HTTP/2.0", resp.Proto)
		return resp.StatusCode, resp.Body.Close()
	}
	require.Eventually(t, func() bool {
		_, err := post("/", "")
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
	for path, want := range map[string]int{
		"/tencent/call/wrong": http.StatusNotFound,
		"/tencent/call/a-callback-path-secret?SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterEndCall": http.StatusServiceUnavailable, // no Temporal
		"/tencent/call/a-callback-path-secret?SdkAppid=1":                                                    http.StatusForbidden,
	} {
		status, err := post(path, `{"CallbackCommand":"Call.CallbackAfterEndCall","CallRecord":{"CallId":"c1"}}`)
		require.NoError(t, err)
		require.Equal(t, want, status, path)
	}
	status, err := post("/tencent/call/a-callback-path-secret?SdkAppid=1400000000", strings.Repeat("x", 100<<10))
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	stop()
	require.NoError(t, <-ended)
}
