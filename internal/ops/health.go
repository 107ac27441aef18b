package ops

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"aftercall/internal/admin"
	"aftercall/internal/config"
)

// healthTimeout is longer than a process takes to check what it depends on.
const healthTimeout = 4 * time.Second

// HealthParams say what to ask.
type HealthParams struct {
	// Process is one of config.Processes.
	Process string
	// Live asks only whether the process answers, and not whether it is ready.
	Live bool
}

// Health is how a starter or a worker of this machine is.
type Health struct {
	Process string `json:"process"`
	URL     string `json:"url"`
	// Healthy says that it is ready, or that it answers if only that was asked.
	Healthy bool `json:"healthy"`
	// Checks is "ok" or the problem, by dependency.
	Checks map[string]string `json:"checks,omitempty"`
}

// Health asks a starter or a worker of this machine how it is, through its admin
// listener. The error says what is wrong if it is not healthy; the result is nil
// if it did not answer.
func (d *Deps) Health(ctx context.Context, p HealthParams) (*Health, error) {
	address, err := config.AdminAddress(p.Process, d.environ)
	if err != nil {
		return nil, usage(err)
	}
	health := &Health{Process: p.Process, URL: "http://" + address + "/readyz"}
	if p.Live {
		health.URL = "http://" + address + "/healthz"
	}
	status, code, err := askAdmin(ctx, health.URL)
	if err != nil {
		return nil, Errorf(Failed, "does the "+p.Process+" run here, and with this AFTERCALL_ADMIN_LISTEN?", "the %s does not answer at %s: %w", p.Process, health.URL, err)
	}
	health.Checks = status.Checks
	health.Healthy = code == http.StatusOK
	if !health.Healthy {
		return health, Errorf(Refused, "", "the %s is not ready: %s", p.Process, strings.Join(status.Problems(), "; "))
	}
	return health, nil
}

var errOtherProgram = errors.New("another program answers there")

// askAdmin asks without a proxy: the process is on this machine.
func askAdmin(ctx context.Context, url string) (status admin.Status, code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return status, 0, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return status, 0, err
	}
	defer resp.Body.Close()
	known := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusServiceUnavailable
	if !known || json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(&status) != nil {
		return status, 0, errOtherProgram
	}
	return status, resp.StatusCode, nil
}
