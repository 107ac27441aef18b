package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
	worker "aftercall/worker/service"
	"aftercall/workflows"
)

const composeFolder = "compose"

// firstLook loads the Compose file as `docker compose --env-file first-look.env` does.
func firstLook(t *testing.T) *types.Project { return compose(t, "first-look.env") }

// compose loads it with a file of variables, and the variables given as NAME=value.
func compose(t *testing.T, file string, more ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(composeFolder, "compose.yaml")}, cli.WithWorkingDirectory(composeFolder),
		cli.WithEnv(more), cli.WithEnvFiles(filepath.Join(composeFolder, file)), cli.WithDotEnv, cli.WithDefaultProfiles(),
	)
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// environmentOf is the environment of a service, with the YAML file where it is here.
func environmentOf(t *testing.T, service types.ServiceConfig) map[string]string {
	t.Helper()
	environ := map[string]string{}
	for name, value := range service.Environment {
		require.NotNil(t, value, name)
		environ[name] = *value
	}
	mounted := slices.IndexFunc(service.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == environ["AFTERCALL_CONFIG"] })
	require.GreaterOrEqual(t, mounted, 0, "AFTERCALL_CONFIG is not mounted")
	environ["AFTERCALL_CONFIG"] = service.Volumes[mounted].Source
	return environ
}

func TestComposeServices(t *testing.T) {
	project := firstLook(t)
	require.ElementsMatch(t, []string{
		"starter-1", "starter-2", "worker", "proxy", "redis", "postgres", "schema", "temporal", "namespace", "temporal-ui",
		"prometheus", "grafana", "simulator",
	}, project.ServiceNames())
	require.Equal(t, 2, *project.Services["worker"].Deploy.Replicas)
	for name, process := range map[string]string{"starter-1": "starter", "starter-2": "starter", "worker": "worker"} {
		service := project.Services[name]
		require.Equal(t, []string{process}, []string(service.Command))
		require.Equal(t, []string{"CMD", "aftercall", "health", process}, []string(service.HealthCheck.Test))
		requireEnvironment(t, process, environmentOf(t, service))
		require.Greater(t, time.Duration(*service.StopGracePeriod), worker.StopTimeout)
		var limit types.UnitBytes // of the memory that Go uses
		require.NoError(t, limit.DecodeMapstructure(*service.Environment["GOMEMLIMIT"]))
		require.InEpsilon(t, 0.9*float64(service.MemLimit), float64(limit), 0.03, name)
	}
	for _, name := range []string{"starter-1", "starter-2", "worker", "simulator"} {
		service := project.Services[name]
		require.True(t, service.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, service.SecurityOpt, name)
	}
	for name, service := range project.Services {
		require.Equal(t, "local", service.Logging.Driver, name)
		for dependency := range service.DependsOn {
			require.Contains(t, project.Services, dependency, name)
		}
		for _, c := range service.Configs {
			require.FileExists(t, project.Configs[c.Source].File, name)
		}
	}
}

// TestComposeWithoutSimulator loads the file as an operator does who has filled in the
// examples.
func TestComposeWithoutSimulator(t *testing.T) {
	example, err := os.ReadFile("../../docs/aftercall.example.yaml")
	require.NoError(t, err)
	secrets := filepath.Join(t.TempDir(), "aftercall.env")
	var lines strings.Builder
	for _, used := range usedPattern.FindAllStringSubmatch(string(example), -1) {
		lines.WriteString(used[1] + "=" + secretFor(used[1]) + "\n")
	}
	require.NoError(t, os.WriteFile(secrets, []byte(lines.String()), 0o600))
	project := compose(t, "example.env", "POSTGRES_PASSWORD=a", "TEMPORAL_PASSWORD=b", "LEDGER_PASSWORD=c",
		"AFTERCALL_YAML=../../../docs/aftercall.example.yaml", "AFTERCALL_ENV="+secrets)
	require.NotContains(t, project.Services, "simulator")
	require.NotContains(t, project.Services, "grafana")
	require.Equal(t, "calls.example.com", *project.Services["proxy"].Environment["SITE"])
	for name, process := range map[string]string{"starter-1": "starter", "starter-2": "starter", "worker": "worker"} {
		requireEnvironment(t, process, environmentOf(t, project.Services[name]))
	}
}

// secretFor is a value of the kind that the example's variable needs.
func secretFor(name string) string {
	switch {
	case strings.HasSuffix(name, "_URL"):
		return "https://hooks.example.com/" + strings.ToLower(name)
	case strings.Contains(name, "WEBHOOK"), strings.HasPrefix(name, "DASHBOARD"):
		return "whsec_" + strings.Repeat("YWFh", 12)
	case strings.HasPrefix(name, "STRIPE"):
		return "sk_test_0123456789"
	}
	return strings.Repeat("a1", 32)
}

// TestComposeVersions compares the versions of Temporal with those of the tests of the
// cluster, and with the docs.
func TestComposeVersions(t *testing.T) {
	cluster, err := os.ReadFile("../cluster/go.mod")
	require.NoError(t, err)
	page, err := os.ReadFile("../../docs/deploy.md")
	require.NoError(t, err)
	project := firstLook(t)
	for module, services := range map[string][]string{
		"go.temporal.io/server": {"temporal", "schema", "namespace"}, "github.com/temporalio/ui-server/v2": {"temporal-ui"},
	} {
		version := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(string(cluster))
		require.NotNil(t, version, module)
		for _, service := range services {
			require.True(t, strings.HasSuffix(project.Services[service].Image, ":"+version[1]), "%s has %s, tests have %s", service, project.Services[service].Image, version[1])
		}
		require.Contains(t, string(page), version[1])
	}
}

// TestComposeCertificate has Caddy read its configuration: it makes the certificate of the
// first look itself, because no authority signs one for a host without a domain, and gets
// that of a public host.
func TestComposeCertificate(t *testing.T) {
	caddy, ok := testenv.Program(t, "caddy", "install Debian's package caddy")
	if !ok {
		return
	}
	policies := func(project *types.Project) string {
		adapt := exec.CommandContext(t.Context(), caddy, "adapt", "--config", project.Configs["caddyfile"].File, "--adapter", "caddyfile")
		for name, value := range project.Services["proxy"].Environment {
			adapt.Env = append(adapt.Env, name+"="+*value)
		}
		out, err := adapt.Output()
		require.NoError(t, err)
		var adapted struct {
			Apps struct {
				TLS json.RawMessage `json:"tls"`
			} `json:"apps"`
		}
		require.NoError(t, json.Unmarshal(out, &adapted))
		return string(adapted.Apps.TLS)
	}
	require.JSONEq(t, `{"automation":{"policies":[{"subjects":["proxy"],"issuers":[{"module":"internal"}]}]}}`, policies(firstLook(t)))
	require.Empty(t, policies(compose(t, "example.env", "POSTGRES_PASSWORD=a", "TEMPORAL_PASSWORD=b", "LEDGER_PASSWORD=c", "AFTERCALL_ENV=first-look.secrets.env")))
}

// TestComposePrometheus has promtool check the configuration, and compares what it
// scrapes with the services.
func TestComposePrometheus(t *testing.T) {
	promtool, ok := testenv.Program(t, "promtool", "install Debian's package prometheus")
	if !ok {
		return
	}
	project := firstLook(t)
	folder := t.TempDir()
	for _, c := range project.Services["prometheus"].Configs {
		text, err := os.ReadFile(project.Configs[c.Source].File)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.Base(c.Target)), text, 0o600))
	}
	out, err := exec.CommandContext(t.Context(), promtool, "check", "config", filepath.Join(folder, "prometheus.yml")).CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(filepath.Join(folder, "prometheus.yml"))
	require.NoError(t, err)
	for _, want := range []string{"job_name: aftercall", `"starter-1:9090", "starter-2:9090"`, "names: [worker]"} {
		require.Contains(t, string(text), want)
	}
}

// TestNamespaceScript compares the search attributes of the script with those of the
// workflows.
func TestNamespaceScript(t *testing.T) {
	script, err := os.ReadFile(composeFolder + "/namespace.sh")
	require.NoError(t, err)
	names := regexp.MustCompile(`for name in (.*); do`).FindStringSubmatch(string(script))
	require.NotNil(t, names)
	wanted := map[string]bool{}
	for _, a := range workflows.SearchAttributes {
		wanted[a.GetName()] = true
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(wanted)), strings.Fields(names[1]))
	page, err := os.ReadFile("../../docs/deploy.md")
	require.NoError(t, err)
	for name := range wanted {
		require.Contains(t, string(page), "`"+name+"`")
	}
}
