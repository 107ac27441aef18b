package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metrics "github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/dev/grafana"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/billing"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/programs"
	"aftercall/worker/waiting"
	"aftercall/workflows"
)

// prometheus is a real Prometheus that scrapes the shared stack every second.
type prometheus struct {
	t   *testing.T
	url string
}

func startPrometheus(t *testing.T) (p *prometheus, ok bool) {
	t.Helper()
	if _, ok := testenv.Program(t, "prometheus", "apt-get install prometheus"); !ok {
		return nil, false
	}
	dir, port := t.TempDir(), testenv.FreePort(t)
	rules, err := filepath.Abs(filepath.Join(root, "docs", "prometheus", "alerts.yaml"))
	require.NoError(t, err)
	server, err := programs.Prometheus(dir, port, programs.Scrape{
		Ports: []int{shared.Ports().StarterAdmins[0], shared.Ports().WorkerAdmins[0]}, Interval: time.Second, Rules: rules,
	})
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	cmd := server.Command()
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		require.NoError(t, log.Close())
	})
	p = &prometheus{t: t, url: fmt.Sprintf("http://%s:%d", programs.Host, port)}
	require.Eventually(t, func() bool { return len(p.query("up == 1")) == 2 }, testTimeout, 100*time.Millisecond, "Prometheus does not reach starter and worker")
	return p, true
}

// get queries the API and decodes the answer into data.
func (p *prometheus) get(path string, data any) error {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(p.url + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s: %s", path, body)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return json.Unmarshal(answer.Data, data)
}

// query returns the current values of an expression.
func (p *prometheus) query(expr string) (values []string) {
	var data struct {
		Result []struct {
			Value [2]any
		}
	}
	if err := p.get("/api/v1/query?query="+url.QueryEscape(expr), &data); err != nil {
		return nil // it may still be starting; the caller polls
	}
	for _, r := range data.Result {
		if v, ok := r.Value[1].(string); ok && v != "NaN" {
			values = append(values, v)
		}
	}
	return values
}

// panels returns the expressions of the Grafana dashboard by panel, with the
// variables replaced.
func panels(t *testing.T) map[string][]string {
	t.Helper()
	dashboard, err := grafana.Read(root)
	require.NoError(t, err)
	all := map[string][]string{}
	for _, panel := range dashboard {
		for _, query := range panel.Targets {
			expr, err := query.PromQL(time.Minute)
			require.NoError(t, err)
			all[panel.Title] = append(all[panel.Title], expr)
		}
		require.True(t, panel.Type == grafana.TypeRow || len(all[panel.Title]) > 0, "panel %q has no query", panel.Title)
	}
	require.Greater(t, len(all), 10)
	return all
}

// TestDashboardAndAlertsOnPrometheus scrapes the stack while calls end. Every panel
// of the dashboard must have data, and every alert rule must be evaluated.
func TestDashboardAndAlertsOnPrometheus(t *testing.T) {
	p, ok := startPrometheus(t)
	if !ok {
		return
	}
	ctx, stop := context.WithCancel(testContext(t))
	load := make(chan error, 1)
	go func() { load <- placeCalls(ctx) }()
	_, _, err := shared.RunSamples(ctx, local.Samples())
	require.NoError(t, err)
	for panel, exprs := range panels(t) {
		for _, expr := range exprs {
			require.Eventually(t, func() bool { return len(p.query(expr)) > 0 }, testTimeout, 100*time.Millisecond, "panel %q has no data: %s", panel, expr)
		}
	}
	stop()
	require.ErrorIs(t, <-load, context.Canceled)

	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	require.NoError(t, p.get("/api/v1/rules", &rules))
	require.NotEmpty(t, rules.Groups)
	for _, rule := range rules.Groups[0].Rules {
		require.Equal(t, "ok", rule.Health, "%s: %s", rule.Name, rule.LastError)
	}
	require.NotEmpty(t, p.query(`ALERTS{alertname="AftercallCallsRecovered"}`), "one of the samples was recovered by a sweep")
}

// placeCalls simulates calls whose callbacks come twice, until ctx ends.
func placeCalls(ctx context.Context) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61, EndedAgoSeconds: 5, Duplicates: 1}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// TestMetricNames checks the metrics of both processes with promtool.
func TestMetricNames(t *testing.T) {
	promtool, ok := testenv.Program(t, "promtool", "apt-get install prometheus")
	if !ok {
		return
	}
	_, _, err := shared.RunSamples(testContext(t), local.Samples()[:1])
	require.NoError(t, err)
	client := http.Client{Timeout: testTimeout}
	for _, port := range []int{shared.Ports().StarterAdmins[0], shared.Ports().WorkerAdmins[0]} {
		resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		// The names of Temporal's and the runtime's metrics are given.
		var ours []string
		for line := range strings.Lines(string(body)) {
			if strings.Contains(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "aftercall_") {
				ours = append(ours, line)
			}
		}
		require.Greater(t, len(ours), 20)
		cmd := exec.Command(promtool, "check", "metrics")
		cmd.Stdin = strings.NewReader(strings.Join(ours, ""))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// TestWaitingCalls queries the real visibility for a call in review.
func TestWaitingCalls(t *testing.T) {
	reg := metrics.NewRegistry()
	calls := waiting.New(shared.Temporal, time.Now, reg, slog.New(slog.DiscardHandler))
	reviewed := inReview(t)
	require.Eventually(t, func() bool {
		require.NoError(t, calls.Refresh(t.Context()))
		return gauge(t, reg, "aftercall_waiting_calls", "review") >= 1 && gauge(t, reg, "aftercall_waiting_oldest_seconds", "review") > 0
	}, testTimeout, 200*time.Millisecond)
	require.NoError(t, shared.Decide(testContext(t), reviewed, workflows.DecideParams{Verdict: billing.VerdictWaive, By: "test", Reason: "done"}))
}

func gauge(t *testing.T, reg *metrics.Registry, name, stage string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == stage {
				return m.GetGauge().GetValue()
			}
		}
	}
	require.Fail(t, "no metric", "%s of stage %s", name, stage)
	return 0
}
