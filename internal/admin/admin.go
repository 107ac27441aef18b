// Package admin is the listener for operators, apart from the one for Tencent:
// /healthz, /readyz, /metrics and, on request, Go's profiles.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check asks one dependency whether it is there.
type Check struct {
	Name string
	// Optional dependencies are reported, but the process is ready without them.
	Optional bool
	Ask      func(context.Context) error
}

// When is a check that passes once flag is set; until then problem says why not.
func When(flag *atomic.Bool, problem string) func(context.Context) error {
	return func(context.Context) error {
		if flag.Load() {
			return nil
		}
		return errors.New(problem)
	}
}

// checkTimeout bounds one check, so that a probe always gets an answer.
const checkTimeout = 2 * time.Second

// Status is the answer of /readyz.
type Status struct {
	Ready bool `json:"ready"`
	// Checks says "ok" or what is missing, by dependency.
	Checks map[string]string `json:"checks"`
}

// Handler serves /healthz (200 while the process lives), /readyz (503 while a
// dependency is missing, and which) and /metrics.
func Handler(reg *prometheus.Registry, logger *slog.Logger, checks ...Check) http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, logger, http.StatusOK, map[string]string{"status": "alive"})
	}).Methods(http.MethodGet)
	r.HandleFunc("/readyz", func(w http.ResponseWriter, req *http.Request) {
		status := ask(req.Context(), checks)
		code := http.StatusOK
		if !status.Ready {
			code = http.StatusServiceUnavailable
		}
		answer(w, logger, code, status)
	}).Methods(http.MethodGet)
	r.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg})).Methods(http.MethodGet)
	return r
}

// Profiles adds Go's profiles at /debug/pprof/ to h if they are wanted. They are
// not for everybody: taking one costs CPU, and shows the command line.
func Profiles(wanted bool, h http.Handler) http.Handler {
	if !wanted {
		return h
	}
	r := mux.NewRouter()
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	r.PathPrefix("/debug/pprof/").HandlerFunc(pprof.Index)
	r.PathPrefix("/").Handler(h)
	return r
}

func ask(ctx context.Context, checks []Check) Status {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	status := Status{Ready: true, Checks: make(map[string]string, len(checks))}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, check := range checks {
		wg.Go(func() {
			err := check.Ask(ctx)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				status.Checks[check.Name] = "ok"
			case check.Optional:
				status.Checks[check.Name] = "missing, working without it: " + err.Error()
			default:
				status.Checks[check.Name] = "missing: " + err.Error()
				status.Ready = false
			}
		})
	}
	wg.Wait()
	return status
}

func answer(w http.ResponseWriter, logger *slog.Logger, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		logger.Debug("admin answer not written", "error", err)
	}
}
