package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/telemetry"
	"aftercall/internal/testenv"
)

const configuration = `
apps:
  - name: clinic
    sdk_app_id: 1400000000
    secret_key: ${KEY}
    api: http://127.0.0.1:1
    callback: {secret: "${KEY}"}
    tariff: consultation
tariffs:
  consultation:
    currency: USD
    versions:
      - effective_from: 2025-01-01T00:00:00Z
        rules: [{rate_per_minute: 0.12, first_interval: 60, next_interval: 60}]
`

func address(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", testenv.FreePort(t)) }

// TestDocumentedMetrics runs the process without anything that it depends on,
// and compares what it registers with the documentation.
func TestDocumentedMetrics(t *testing.T) {
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, os.WriteFile(file, []byte(configuration), 0o600))
	admin := address(t)
	environ := map[string]string{
		"AFTERCALL_CONFIG": file, "AFTERCALL_ADMIN_LISTEN": admin,
		"KEY": "0123456789abcdef0123456789abcdef", "LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
		"REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
	}
	ctx, cancel := context.WithCancel(t.Context())
	reg := telemetry.NewRegistry()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, environ, io.Discard, reg) }()
	deadline := time.After(20 * time.Second)
	for !serves(t, "http://"+admin+"/metrics") {
		select {
		case err := <-ended:
			t.Fatal("the process ended: ", err)
		case <-deadline:
			t.Fatal("the process does not serve its metrics")
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	require.NoError(t, <-ended)
	testenv.RequireTable(t, "../../docs/metrics.md", "The worker", testenv.MetricRows(t, reg))
}

func serves(t *testing.T, url string) bool {
	t.Helper()
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return false
	}
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode == http.StatusOK
}
