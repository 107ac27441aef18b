package testenv

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/testconfig"
)

// descPattern matches the text of a prometheus.Desc, which has no other accessors.
var descPattern = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: ("(?:[^"\\]|\\.)*"), unit: ".*", constLabels: \{\}, variableLabels: \{(.*)\}\}$`)

// RequireDocumentedMetrics runs a service without its dependencies until it
// serves its metrics, and compares those it has registered with the table below
// a heading of docs/metrics.md.
func RequireDocumentedMetrics(t *testing.T, heading string, run func(ctx context.Context, environ map[string]string, reg *prometheus.Registry) error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "aftercall.yaml")
	all := testconfig.New()
	all.Apps[0]["evidence"] = testconfig.Map{"members": true, "room_key": "ARoomKeyOfTheConsole"}
	require.NoError(t, all.Write(file))
	address := func() string { return fmt.Sprintf("127.0.0.1:%d", FreePort(t)) }
	admin := address()
	ctx, cancel := context.WithCancel(t.Context())
	reg := prometheus.NewRegistry()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, map[string]string{
			"AFTERCALL_CONFIG": file, "AFTERCALL_ADMIN_LISTEN": admin, "AFTERCALL_LISTEN": address(), "AFTERCALL_DRAIN": "0s",
			"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
			"REDIS_URL":  "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
			"AFTERCALL_PAYLOAD_KEYS": "test:bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE=",
			"AFTERCALL_CODEC_TOKEN":  "a codec token of 32 characters..",
		}, reg)
	}()
	deadline := time.After(startTimeout)
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
	RequireTable(t, "../../docs/metrics.md", heading, metricRows(t, reg))
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

// metricRows are the registered metrics of aftercall, with or without samples,
// as rows of a Markdown table: name, labels, meaning.
func metricRows(t testing.TB, reg *prometheus.Registry) []string {
	t.Helper()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		reg.Describe(descriptions)
	}()
	var rows []string
	for d := range descriptions {
		if !strings.Contains(d.String(), `fqName: "aftercall_`) {
			continue // the Go runtime's, and the process's
		}
		m := descPattern.FindStringSubmatch(d.String())
		require.NotNil(t, m, "%s", d)
		help, err := strconv.Unquote(m[2])
		require.NoError(t, err)
		labels := cmp.Or(strings.ReplaceAll(m[3], ",", ", "), "–")
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", m[1], labels, help))
	}
	slices.Sort(rows)
	return rows
}
