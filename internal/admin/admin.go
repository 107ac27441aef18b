// Package admin is the HTTP handler for operators, on another listener than the
// callbacks: /healthz, /readyz, /metrics and, on request, Go's profiles.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check checks one dependency.
type Check struct {
	Name string
	// Optional dependencies are reported, but the process is ready without them.
	Optional bool
	// Run returns nil if the dependency works. /readyz shows its error only if that
	// is a PublicError: drivers name users, databases and addresses.
	Run func(context.Context) error
}

// PublicError is an error that anyone may see.
type PublicError string

// Error returns the problem.
func (p PublicError) Error() string { return string(p) }

// hiddenProblem is what /readyz shows of other errors.
const hiddenProblem = "does not work; the log has the reason"

// FlagSet returns a Check.Run that succeeds once flag is set, and fails with
// problem until then.
func FlagSet(flag *atomic.Bool, problem string) func(context.Context) error {
	return func(context.Context) error {
		if flag.Load() {
			return nil
		}
		return PublicError(problem)
	}
}

// NoProblem returns a Check.Run that fails with the problem that find returns, unless
// that is empty.
func NoProblem(find func() string) func(context.Context) error {
	return func(context.Context) error {
		if problem := find(); problem != "" {
			return PublicError(problem)
		}
		return nil
	}
}

// Running returns a Check.Run that fails once ctx has ended: the process is
// shutting down.
func Running(ctx context.Context) func(context.Context) error {
	return func(context.Context) error {
		if ctx.Err() != nil {
			return PublicError("shutting down")
		}
		return nil
	}
}

const (
	// checkTimeout bounds each check, so that /readyz always answers.
	checkTimeout = 2 * time.Second
	// optionalTimeout bounds a check without which the process is ready: a load balancer
	// that does not wait for the answer as long as that takes sends it no requests.
	optionalTimeout = 500 * time.Millisecond
)

// Status is the answer of /readyz.
type Status struct {
	Ready bool `json:"ready"`
	// Checks is "ok" or the problem, by dependency.
	Checks map[string]string `json:"checks"`
}

// Problems lists the dependencies that do not work, with the problem of each.
func (s Status) Problems() []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(s.Checks)) {
		if s.Checks[name] != ok {
			problems = append(problems, name+": "+s.Checks[name])
		}
	}
	return problems
}

// ok is what /readyz shows of a dependency that works.
const ok = "ok"

// Handler serves /healthz (200 while the process runs), /readyz (503 and the
// problems while a dependency does not work) and /metrics.
func Handler(reg *prometheus.Registry, logger *slog.Logger, checks ...Check) http.Handler {
	dependencies := &dependencies{checks: checks, logger: logger, failing: map[string]bool{}}
	r := mux.NewRouter()
	r.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, logger, http.StatusOK, map[string]string{"status": "alive"})
	}).Methods(http.MethodGet)
	r.HandleFunc("/readyz", func(w http.ResponseWriter, req *http.Request) {
		status := dependencies.status(req.Context())
		code := http.StatusOK
		if !status.Ready {
			code = http.StatusServiceUnavailable
		}
		answer(w, logger, code, status)
	}).Methods(http.MethodGet)
	r.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg})).Methods(http.MethodGet)
	return r
}

// Profiles adds Go's profiles at /debug/pprof/ to h if they are enabled. They
// are off by default, because a profile costs CPU and shows the command line.
func Profiles(enabled bool, h http.Handler) http.Handler {
	if !enabled {
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

// dependencies are checked whenever someone asks.
type dependencies struct {
	checks []Check
	logger *slog.Logger

	mu      sync.Mutex
	failing map[string]bool
}

func (d *dependencies) status(ctx context.Context) Status {
	status := Status{Ready: true, Checks: make(map[string]string, len(d.checks))}
	var wg sync.WaitGroup
	for _, check := range d.checks {
		wg.Go(func() {
			timeout := checkTimeout
			if check.Optional {
				timeout = optionalTimeout
			}
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			err := check.Run(ctx)
			d.mu.Lock()
			defer d.mu.Unlock()
			d.log(check.Name, err)
			status.Checks[check.Name] = shown(err, check.Optional)
			status.Ready = status.Ready && (err == nil || check.Optional)
		})
	}
	wg.Wait()
	return status
}

// log logs the first failure after a success, whoever caused the check.
func (d *dependencies) log(name string, err error) {
	if err != nil && !d.failing[name] && !errors.As(err, new(PublicError)) {
		d.logger.Warn("a dependency does not work", "dependency", name, "error", err)
	}
	d.failing[name] = err != nil
}

// shown is what anyone may see of the result of a check.
func shown(err error, optional bool) string {
	if err == nil {
		return ok
	}
	problem := PublicError(hiddenProblem)
	errors.As(err, &problem)
	if optional {
		return "missing, continuing without it: " + problem.Error()
	}
	return "missing: " + problem.Error()
}

func answer(w http.ResponseWriter, logger *slog.Logger, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		logger.Debug("the answer could not be sent", "error", err)
	}
}
