package main

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/temporalclient"
)

var (
	variablePattern = regexp.MustCompile("`((?:AFTERCALL|LEDGER|REDIS|TEMPORAL)_[A-Z_]+)`")
	usedPattern     = regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`)
)

// requireEnvironment makes sure that a process, starter or worker, knows every one of
// these variables, and accepts their values. The YAML file is that of AFTERCALL_CONFIG.
func requireEnvironment(t *testing.T, process string, environ map[string]string) {
	t.Helper()
	known := append(knownVariables(t, process), "SSL_CERT_FILE", "GOMEMLIMIT") // Go's
	file, err := os.ReadFile(environ["AFTERCALL_CONFIG"])
	require.NoError(t, err)
	for _, used := range usedPattern.FindAllStringSubmatch(string(file), -1) {
		known = append(known, used[1])
	}
	for name := range environ {
		require.Contains(t, known, name, "the %s does not know it", process)
	}
	if process == "starter" {
		_, _, err = config.Starter(environ)
	} else {
		_, _, err = config.Worker(environ)
	}
	require.NoError(t, err)
	client, namespace, err := temporalclient.NewClient(environ, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	client.Close()
	require.Equal(t, environ["TEMPORAL_NAMESPACE"], namespace)
}

// knownVariables are those that docs/configuration.md has for a process. A test there
// compares it with the settings.
func knownVariables(t *testing.T, process string) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	var known []string
	for section := range strings.SplitSeq(string(text), "\n## ") {
		if !strings.HasPrefix(section, "The environment of both") && !strings.HasPrefix(section, "The environment of the "+process) {
			continue
		}
		for _, variable := range variablePattern.FindAllStringSubmatch(section, -1) {
			known = append(known, variable[1])
		}
	}
	require.Contains(t, known, "TEMPORAL_ADDRESS")
	require.Greater(t, len(known), 15)
	return known
}
