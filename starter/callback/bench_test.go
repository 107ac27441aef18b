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

// statusWriter is a ResponseWriter that keeps nothing but the status.
type statusWriter struct {
	header http.Header
	status int
}

func (s *statusWriter) Header() http.Header         { return s.header }
func (s *statusWriter) Write(p []byte) (int, error) { return len(p), nil }
func (s *statusWriter) WriteHeader(status int)      { s.status = status }

// SetReadDeadline replaces that of a connection.
func (s *statusWriter) SetReadDeadline(time.Time) error { return nil }

// reusedBody is a request body that is not allocated for each request.
type reusedBody struct{ strings.Reader }

func (*reusedBody) Close() error { return nil }

// benchmarkDuplicates handles callbacks of a call that Redis knows.
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
	temporal := &fakeTemporal{started: map[string]string{}}
	handler := New([]App{{ID: appID, Name: "clinic", Secrets: []string{secret}}}, dedupe.New(guard, dedupe.DefaultWindow, time.Now, reg), Limits{}, temporal, reg, logger)
	target, err := url.Parse(PathPrefix + secret + "?" + endQuery)
	require.NoError(tb, err)
	text := &reusedBody{}
	w, r := &statusWriter{header: http.Header{}}, &http.Request{Method: http.MethodPost, URL: target, RequestURI: target.String(), Header: http.Header{}}
	serve = func() {
		text.Reset(body)
		r.Body = text
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK || temporal.starts != 1 {
			tb.Fatalf("answered %d, asked Temporal %d times", w.status, temporal.starts)
		}
	}
	serve() // the first callback
	return serve, true
}

// BenchmarkDuplicate measures the whole answer to a duplicate callback: decoding,
// checks, one round trip to Redis, metrics.
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

func TestAllocations(t *testing.T) {
	serve, ok := benchmarkDuplicates(t)
	if !ok {
		return
	}
	testenv.RequireAllocations(t, map[string]func(){"answer to a duplicate": serve})
}

// BenchmarkRoundTrip measures the round trip alone, the least that a check for
// duplicates in Redis can cost.
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
