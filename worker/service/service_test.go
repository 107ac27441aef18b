package service

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/admin"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/testconfig"
)

// TestWorkerWaitsForItsLedger starts a worker before the folder of its ledger
// exists.
func TestWorkerWaitsForItsLedger(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, testconfig.New().Write(file))
	folder := filepath.Join(t.TempDir(), "not-mounted")
	address := "127.0.0.1:" + strconv.Itoa(testenv.FreePort(t))
	ctx, stop := context.WithCancel(t.Context())
	logs, ended := &testenv.Log{}, make(chan error, 1)
	web := &http.Client{Timeout: 30 * time.Second}
	go func() {
		ended <- run(ctx, map[string]string{
			"AFTERCALL_CONFIG": file, "AFTERCALL_ADMIN_LISTEN": address, "LEDGER_URL": "sqlite:" + filepath.Join(folder, "ledger.db"),
			"REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
		}, logs, prometheus.NewRegistry())
	}()
	// check is what /readyz says about the ledger.
	check := func() string {
		resp, err := web.Get("http://" + address + "/readyz")
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		var status admin.Status
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&status))
		return status.Checks["ledger"]
	}
	require.Eventually(t, func() bool {
		return check() == "missing: not open yet: "+ledgerCure && logs.Count("not-mounted does not exist: create it, or change LEDGER_URL") > 0
	}, 30*time.Second, 10*time.Millisecond)
	require.Empty(t, ended, "the worker runs on")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.Eventually(t, func() bool { return check() == "ok" }, 30*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	require.Equal(t, 1, logs.Count("waiting for the ledger"), "an outage is logged once")
	require.Equal(t, 1, logs.Count("the ledger is open"))
	require.Equal(t, 1, logs.Count("Redis is down"), "it was not there at the start")
}

// TestUnusableLedger has problems that waiting does not cure.
func TestUnusableLedger(t *testing.T) {
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, testconfig.New().Write(file))
	err := run(t.Context(), map[string]string{
		"AFTERCALL_CONFIG": file, "AFTERCALL_ADMIN_LISTEN": "127.0.0.1:0", "LEDGER_URL": "mysql://db/ledger",
	}, &testenv.Log{}, prometheus.NewRegistry())
	require.ErrorContains(t, err, "LEDGER_URL")
}
