package main

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/strvals"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestScaledDeploymentsHaveNoReplicas makes sure that an upgrade does not take back
// what an autoscaler did.
func TestScaledDeploymentsHaveNoReplicas(t *testing.T) {
	for file, want := range map[string]bool{"minimal": true, "full": false} {
		values, err := readValues(chartFolder + "/ci/" + file + ".yaml")
		require.NoError(t, err)
		for _, o := range rendered(t, values) {
			if d, ok := o.(*apps.Deployment); ok {
				require.Equal(t, want, d.Spec.Replicas != nil, d.Name)
			}
		}
	}
}

// TestWholeNumbers: Helm reads them as floats, and would write 1400000000 as 1.4e+09.
func TestWholeNumbers(t *testing.T) {
	values := changed(t, `
env: {CLINIC_APP: 1400000000, AFTERCALL_PROFILES: true}
worker: {keda: {enabled: true, targetQueueSize: 1000000}}
`)
	for _, o := range rendered(t, values) {
		switch o := o.(type) {
		case *apps.Deployment:
			env := o.Spec.Template.Spec.Containers[0].Env
			require.Contains(t, env, core.EnvVar{Name: "CLINIC_APP", Value: "1400000000"})
			require.Contains(t, env, core.EnvVar{Name: "AFTERCALL_PROFILES", Value: "true"})
		case *scaledObject:
			require.Equal(t, "1000000", o.Spec.Triggers[0].Metadata["targetQueueSize"])
		}
	}
}

// TestRefusedValues makes sure that the schema finds what cannot work.
func TestRefusedValues(t *testing.T) {
	for name, change := range map[string]string{
		"no address":              `temporal: {address: ""}`,
		"an address without port": `temporal: {address: temporal.example.com}`,
		"two configurations":      `config: "apps: []"`,
		"no configuration":        `existingConfigMap: ""`,
		"no secret":               `secret: {existing: ""}`,
		"two secrets":             `secret: {external: {enabled: true, key: x, store: {name: x}}}`,
		"a misspelt key":          `worker: {replica: 3}`,
		"half a version":          `worker: {deployment: aftercall}`,
		"a stop that cuts off":    `worker: {terminationGracePeriodSeconds: 20}`,
		"an ingress without host": `ingress: {enabled: true}`,
		"a variable's name":       `env: {aftercall-log-level: debug}`,
	} {
		_, err := render(chartFolder, changed(t, change), common.ReleaseOptions{Name: "aftercall"})
		require.ErrorContains(t, err, "schema", name)
	}
}

// TestInstallCommand: the chart takes the values that docs/deploy.md sets.
func TestInstallCommand(t *testing.T) {
	page, err := os.ReadFile("../../docs/deploy.md")
	require.NoError(t, err)
	_, command, found := strings.Cut(string(page), "\nhelm install ")
	require.True(t, found)
	command, _, found = strings.Cut(command, "\nhelm test ")
	require.True(t, found)
	values := map[string]any{}
	for _, set := range regexp.MustCompile(`--set (\S+)`).FindAllStringSubmatch(command, -1) {
		require.NoError(t, strvals.ParseInto(set[1], values))
	}
	require.Len(t, values, 4)
	require.Len(t, podsOf(t, rendered(t, values)), 2)
}

// TestMemoryLimit: without a limit, limits.memory would be what the whole node has.
func TestMemoryLimit(t *testing.T) {
	for change, want := range map[string]core.EnvVar{
		`worker: {resources: {limits: {memory: null}}}`: {},
		`worker: {env: {GOMEMLIMIT: 700MiB}}`:           {Name: "GOMEMLIMIT", Value: "700MiB"},
	} {
		worker := deploymentOf(t, "worker", changed(t, change))
		var found core.EnvVar
		for _, variable := range worker.Spec.Template.Spec.Containers[0].Env {
			if variable.Name == "GOMEMLIMIT" {
				found = variable
			}
		}
		require.Equal(t, want, found, change)
	}
}

// TestLedgerInAFile makes sure that no two workers write to a SQLite file.
func TestLedgerInAFile(t *testing.T) {
	const file = "sqlite:/var/lib/aftercall/ledger.db"
	for change, field := range map[string]string{
		`env: {LEDGER_URL: "` + file + `"}`:                                               "worker.replicas is 2",
		`worker: {env: {LEDGER_URL: "` + file + `"}, replicas: 3}`:                        "worker.replicas is 3",
		`worker: {env: {LEDGER_URL: "` + file + `"}, replicas: 1, keda: {enabled: true}}`: "worker.keda.enabled is true",
	} {
		_, err := render(chartFolder, changed(t, change), common.ReleaseOptions{Name: "aftercall"})
		require.ErrorContains(t, err, field, change)
		require.ErrorContains(t, err, "let LEDGER_URL name a PostgreSQL server", change)
	}
	one := deploymentOf(t, "worker", changed(t, `worker: {env: {LEDGER_URL: "`+file+`"}, replicas: 1}`))
	require.Equal(t, apps.RecreateDeploymentStrategyType, one.Spec.Strategy.Type, "the old worker stops first")
	many := deploymentOf(t, "worker", changed(t, `env: {LEDGER_URL: "`+file+`"}`, `worker: {env: {LEDGER_URL: "postgres://postgres/ledger"}}`))
	require.Equal(t, apps.RollingUpdateDeploymentStrategyType, many.Spec.Strategy.Type)
}

func deploymentOf(t *testing.T, process string, values map[string]any) *apps.Deployment {
	t.Helper()
	for _, o := range rendered(t, values) {
		if d, ok := o.(*apps.Deployment); ok && d.Labels["app.kubernetes.io/component"] == process {
			return d
		}
	}
	t.Fatalf("there is no Deployment of the %s", process)
	return nil
}

// changed are the least values with changes, in YAML.
func changed(t *testing.T, changes ...string) map[string]any {
	t.Helper()
	values, err := readValues(chartFolder + "/ci/minimal.yaml")
	require.NoError(t, err)
	for _, change := range changes {
		var more map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(change), &more))
		for key, value := range more {
			if section, ok := values[key].(map[string]any); ok {
				maps.Copy(section, value.(map[string]any))
				continue
			}
			values[key] = value
		}
	}
	return values
}
