package telemetry_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

const (
	rulesFile     = "../../docs/prometheus/alerts.yaml"
	testsFile     = "../../docs/prometheus/alerts_test.yaml"
	slowTestsFile = "../../docs/prometheus/alerts_slow_test.yaml"
	runbook       = "../../docs/operations.md"
)

// promtool runs Prometheus' tool for checking rules.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	bin, ok := testenv.Program(t, "promtool", "apt-get install prometheus")
	if !ok {
		return
	}
	out, err := exec.Command(bin, args...).CombinedOutput()
	require.NoError(t, err, "promtool %s\n%s", strings.Join(args, " "), out)
}

func TestAlertRules(t *testing.T) {
	promtool(t, "check", "rules", rulesFile)
	promtool(t, "test", "rules", testsFile, slowTestsFile)
}

type alert struct {
	Alert       string            `yaml:"alert"`
	Annotations map[string]string `yaml:"annotations"`
}

// alerts returns the alerts in rulesFile.
func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	read(t, rulesFile, &rules)
	for _, group := range rules.Groups {
		all = append(all, group.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, into), file)
}

// TestEveryAlertIsTested checks that some test expects each alert to fire.
func TestEveryAlertIsTested(t *testing.T) {
	fires := map[string]bool{}
	for _, file := range []string{testsFile, slowTestsFile} {
		var suite struct {
			Tests []struct {
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		read(t, file, &suite)
		for _, test := range suite.Tests {
			for _, a := range test.Alerts {
				fires[a.Name] = fires[a.Name] || len(a.Expected) > 0
			}
		}
	}
	for _, a := range alerts(t) {
		require.True(t, fires[a.Alert], "no test expects %s to fire", a.Alert)
	}
}

// TestEveryAlertIsInTheRunbook follows the link of each alert to a section that
// says what it means, what to look at and what to do.
func TestEveryAlertIsInTheRunbook(t *testing.T) {
	data, err := os.ReadFile(runbook)
	require.NoError(t, err)
	for _, a := range alerts(t) {
		require.Equal(t, "docs/operations.md#"+strings.ToLower(a.Alert), a.Annotations["runbook_url"])
		_, section, found := strings.Cut(string(data), "\n### "+a.Alert+"\n")
		require.True(t, found, "no section on %s", a.Alert)
		section, _, _ = strings.Cut(section, "\n#")
		for _, part := range []string{"**Means**", "**Look at**", "**Do**"} {
			require.Contains(t, section, part, a.Alert)
		}
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
	}
}
