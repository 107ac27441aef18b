package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/stretchr/testify/require"
)

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestReadyz(t *testing.T) {
	working := func(context.Context) error { return nil }
	failing := func(context.Context) error { return PublicError("no connection") }
	secretive := func(context.Context) error {
		return errors.New(`user "aftercall" database "ledger" at 10.0.0.7:5432: connection refused`)
	}
	tests := map[string]struct {
		checks []Check
		code   int
		want   Status
	}{
		"all there": {
			[]Check{{Name: "temporal", Run: working}, {Name: "redis", Optional: true, Run: working}},
			200,
			Status{Ready: true, Checks: map[string]string{"temporal": "ok", "redis": "ok"}},
		},
		"one missing": {
			[]Check{{Name: "temporal", Run: failing}, {Name: "ledger", Run: working}},
			503,
			Status{Checks: map[string]string{"temporal": "missing: no connection", "ledger": "ok"}},
		},
		"an error of a driver": {
			[]Check{{Name: "ledger", Run: secretive}, {Name: "redis", Optional: true, Run: secretive}},
			503,
			Status{Checks: map[string]string{"ledger": "missing: " + hiddenProblem, "redis": "missing, continuing without it: " + hiddenProblem}},
		},
		"optional missing": {
			[]Check{{Name: "temporal", Run: working}, {Name: "redis", Optional: true, Run: failing}},
			200,
			Status{Ready: true, Checks: map[string]string{"temporal": "ok", "redis": "missing, continuing without it: no connection"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := get(t, Handler(prometheus.NewRegistry(), slog.New(slog.DiscardHandler), tt.checks...), "/readyz")
			require.Equal(t, tt.code, w.Code)
			var got Status
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			require.Equal(t, tt.want, got)
		})
	}
}

// TestReasonsAreLogged: once, until the dependency has worked again.
func TestReasonsAreLogged(t *testing.T) {
	var log strings.Builder
	err := errors.New("10.0.0.7:5432: connection refused")
	h := Handler(prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&log, nil)), Check{Name: "ledger", Run: func(context.Context) error { return err }})
	for range 3 {
		require.NotContains(t, get(t, h, "/readyz").Body.String(), "10.0.0.7")
	}
	require.Equal(t, 1, strings.Count(log.String(), `dependency=ledger error="10.0.0.7:5432: connection refused"`))
	err = nil
	get(t, h, "/readyz")
	err = errors.New("again")
	get(t, h, "/readyz")
	require.Contains(t, log.String(), "again")
}

// TestChecksAreBounded: a load balancer has its answer soon where the process is ready.
func TestChecksAreBounded(t *testing.T) {
	for _, tt := range []struct {
		optional bool
		code     int
		took     time.Duration
	}{{false, http.StatusServiceUnavailable, checkTimeout}, {true, http.StatusOK, optionalTimeout}} {
		synctest.Test(t, func(t *testing.T) {
			hangs := func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
			began := time.Now()
			w := get(t, Handler(prometheus.NewRegistry(), slog.New(slog.DiscardHandler), Check{Name: "redis", Optional: tt.optional, Run: hangs}), "/readyz")
			require.Equal(t, tt.code, w.Code)
			require.Equal(t, tt.took, time.Since(began))
		})
	}
}

func TestOtherPaths(t *testing.T) {
	reg := prometheus.NewRegistry()
	promauto.With(reg).NewCounter(prometheus.CounterOpts{Name: "aftercall_test_total", Help: "A test."}).Inc()
	h := Handler(reg, slog.New(slog.DiscardHandler))
	require.Equal(t, http.StatusOK, get(t, h, "/healthz").Code)
	require.Contains(t, get(t, h, "/metrics").Body.String(), "aftercall_test_total 1")
	require.Equal(t, http.StatusNotFound, get(t, h, "/").Code)
}

func TestFlagSet(t *testing.T) {
	var flag atomic.Bool
	check := FlagSet(&flag, "not yet")
	require.EqualError(t, check(context.Background()), "not yet")
	flag.Store(true)
	require.NoError(t, check(context.Background()))
}

func TestRunning(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	check := Running(ctx)
	require.NoError(t, check(context.Background()))
	stop()
	require.EqualError(t, check(context.Background()), "shutting down")
}

func TestProfilesOnlyWhenEnabled(t *testing.T) {
	h := Handler(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
		require.Equal(t, 404, get(t, Profiles(false, h), path).Code, path)
		require.Equal(t, 200, get(t, Profiles(true, h), path).Code, path)
	}
	require.Contains(t, get(t, Profiles(true, h), "/debug/pprof/goroutine?debug=1").Body.String(), "TestProfilesOnlyWhenEnabled")
	require.Equal(t, 200, get(t, Profiles(true, h), "/healthz").Code)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	status := Status{Checks: map[string]string{"temporal": "missing: no connection", "ledger": "ok", "clock": "missing: 3 s behind"}}
	require.Equal(t, []string{"clock: missing: 3 s behind", "temporal: missing: no connection"}, status.Problems())
	require.Empty(t, Status{}.Problems())
}
