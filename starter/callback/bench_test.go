package callback

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"aftercall/internal/dedupe"
	"aftercall/internal/redisguard"
	"aftercall/internal/telemetry"
	"aftercall/internal/testenv"
)

// blank is a ResponseWriter that keeps nothing but the status.
type blank struct {
	header http.Header
	status int
}

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }
func (b *blank) WriteHeader(status int)      { b.status = status }

// SetReadDeadline is what a connection of net/http has too.
func (b *blank) SetReadDeadline(time.Time) error { return nil }

// unclosed is a body that costs nothing anew for each request.
type unclosed struct{ strings.Reader }

func (*unclosed) Close() error { return nil }

// benchmarkDuplicates serves callbacks of a call that Redis knows.
func benchmarkDuplicates(tb testing.TB) (serve func(), ok bool) {
	tb.Helper()
	server, ok := testenv.StartRedis(tb)
	if !ok {
		return nil, false
	}
	rdb, err := redisguard.NewClient(server.URL(), redisguard.PatientTimeout)
	require.NoError(tb, err)
	reg, logger := prometheus.NewRegistry(), telemetry.NewLogger(io.Discard, "json", slog.LevelInfo)
	guard := redisguard.New(context.Background(), rdb, reg, logger)
	tb.Cleanup(func() {
		guard.Close()
		require.NoError(tb, rdb.Close())
	})
	calls := &fakeCalls{started: map[string]string{}}
	handler := New([]App{{ID: appID, Name: "clinic", Secret: secret}}, dedupe.New(guard, reg), calls, reg, logger)
	target, err := url.Parse(PathPrefix + secret + "?" + endQuery)
	require.NoError(tb, err)
	text := &unclosed{}
	w, r := &blank{header: http.Header{}}, &http.Request{Method: http.MethodPost, URL: target, RequestURI: target.String(), Header: http.Header{}}
	serve = func() {
		text.Reset(body)
		r.Body = text
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK || calls.asked != 1 {
			tb.Fatalf("answered %d, asked Temporal %d times", w.status, calls.asked)
		}
	}
	serve() // the first delivery
	return serve, true
}

// BenchmarkDuplicate is a whole answer to a repeated callback: decoding, checks, one
// round trip to Redis, metrics.
func BenchmarkDuplicate(b *testing.B) {
	serve, ok := benchmarkDuplicates(b)
	if !ok {
		return
	}
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}

// BenchmarkRoundTrip is what no duplicate check by Redis can cost less than.
func BenchmarkRoundTrip(b *testing.B) {
	server, ok := testenv.StartRedis(b)
	if !ok {
		return
	}
	rdb, err := redisguard.NewClient(server.URL(), redisguard.PatientTimeout)
	require.NoError(b, err)
	defer rdb.Close()
	require.NoError(b, rdb.Set(b.Context(), "k", "done", 0).Err())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rdb.SetArgs(b.Context(), "k", "v", redis.SetArgs{Mode: "NX", Get: true}).Result(); err != nil {
			b.Fatal(err)
		}
	}
}
