package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/internal/ledger"
	"aftercall/internal/temporalclient"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/programs"
	"aftercall/internal/testenv/testcert"
	"aftercall/workflows"
)

// composed runs the services of the Compose file as processes of this machine. Of
// their environment it changes addresses and paths only.
type composed struct {
	t       *testing.T
	project *types.Project
	// folder has the programs and what they write.
	folder string
	// addresses replaces what a service is called by where it is here.
	addresses *strings.Replacer
	// callbacks and admin are the ports of starters and workers, each of which has an
	// address of its own.
	callbacks, admin, http, https, postgres, temporal int
}

// TestComposeCharges runs the first look of the Compose file, with Temporal's
// development server in place of its server: starters behind the proxy with TLS,
// workers, the simulator, and the one-shot jobs, until a call of the simulator is
// charged.
func TestComposeCharges(t *testing.T) {
	c, ok := startComposed(t)
	if !ok {
		return
	}
	c.startServer("temporal", programs.Server{Path: c.temporalCLI(), Args: []string{
		"server", "start-dev", "--headless", "--ip", programs.Host, "--port", strconv.Itoa(c.temporal), "--log-level", "warn",
	}}, nil)
	c.charge()
}

// TestComposeChargesOnPostgres does so on Temporal's server, whose tables the script of
// the file makes in PostgreSQL. It starts as in its image, with the environment of the
// file.
func TestComposeChargesOnPostgres(t *testing.T) {
	if _, ok := testenv.Program(t, "../bin/temporal-server", "make test-cluster builds it"); !ok {
		return
	}
	c, ok := startComposed(t)
	if !ok {
		return
	}
	tables := c.variables("schema")
	tables["SQL_HOST"], tables["SQL_PORT"] = programs.Host, strconv.Itoa(c.postgres)
	c.awaitScript("schema", tables)
	c.requireScript("schema", tables)
	c.startTemporalServer()
	c.charge()
}

// startTemporalServer starts the server with what its image starts it with.
func (c *composed) startTemporalServer() {
	c.t.Helper()
	module := exec.CommandContext(c.t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "go.temporal.io/server")
	module.Dir = "../cluster"
	folder, err := module.Output()
	require.NoError(c.t, err)
	environ := c.variables("temporal")
	ports, err := freeport.Find(8)
	require.NoError(c.t, err)
	for i, name := range []string{
		"FRONTEND_HTTP_PORT", "FRONTEND_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT",
		"HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT", "WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT",
	} {
		environ[name] = strconv.Itoa(ports[i])
	}
	require.Equal(c.t, "postgres", environ["POSTGRES_SEEDS"])
	require.Equal(c.t, "0.0.0.0", environ["BIND_ON_IP"])
	maps.Copy(environ, map[string]string{
		"POSTGRES_SEEDS": programs.Host, "DB_PORT": strconv.Itoa(c.postgres), "BIND_ON_IP": programs.Host,
		"FRONTEND_GRPC_PORT": strconv.Itoa(c.temporal), "DYNAMIC_CONFIG_FILE_PATH": c.project.Configs["dynamicconfig"].File,
		"PATH": c.path(),
	})
	entrypoint := filepath.Join(strings.TrimSpace(string(folder)), "docker/scripts/sh/entrypoint.sh")
	c.startServer("temporal", programs.Server{Path: "/bin/bash", Args: []string{entrypoint}}, environ)
}

// charge starts the other services once Temporal runs, and waits for a charge.
func (c *composed) charge() {
	c.t.Helper()
	c.makeNamespace()
	c.startProxy()
	simulator := c.environ("simulator", "127.0.0.15")
	require.Eventually(c.t, func() bool {
		_, err := os.Stat(simulator["SSL_CERT_FILE"])
		return err == nil
	}, time.Minute, 50*time.Millisecond, "the proxy has no authority")
	tencent := simulator["DEV_TENCENT_URL"]
	c.start("simulator", exec.Command(filepath.Join(c.folder, "simulator"), "--folder", c.folder, "--every", "1s",
		"--tencent", strings.TrimPrefix(tencent, "https://"), "--webhooks", strings.TrimPrefix(simulator["DEV_WEBHOOK_URL"], "http://")), simulator)
	c.awaitHealthy(c.project.Services["simulator"], simulator)
	for _, process := range []struct{ service, host string }{
		{"starter-1", "127.0.0.11"}, {"starter-2", "127.0.0.12"}, {"worker", "127.0.0.13"}, {"worker", "127.0.0.14"},
	} {
		service := c.project.Services[process.service]
		environ := c.environ(process.service, process.host)
		c.start(process.service+" at "+process.host, exec.Command(filepath.Join(c.folder, "aftercall"), service.Command...), environ)
		c.awaitHealthy(service, environ)
	}
	c.awaitCharge(tencent, c.environ("worker", "")["LEDGER_URL"])
}

func (c *composed) startProxy() {
	c.t.Helper()
	ports := strings.NewReplacer("admin off", fmt.Sprintf("admin off\n\thttp_port %d\n\thttps_port %d", c.http, c.https),
		"health_port 9090", fmt.Sprint("health_port ", c.admin))
	text, err := os.ReadFile(c.project.Configs["caddyfile"].File)
	require.NoError(c.t, err)
	file := filepath.Join(c.folder, "Caddyfile")
	require.NoError(c.t, os.WriteFile(file, []byte(ports.Replace(c.addresses.Replace(string(text)))), 0o600))
	environ := c.variables("proxy")
	maps.Copy(environ, map[string]string{"SITE": "localhost", "XDG_DATA_HOME": c.folder, "HOME": c.folder})
	c.start("proxy", exec.Command("caddy", "run", "--config", file, "--adapter", "caddyfile"), environ)
}

// newComposed has a folder for the test.
func newComposed(t *testing.T) *composed {
	t.Helper()
	folder, err := os.MkdirTemp("", "aftercall-compose-") // PostgreSQL's user cannot reach t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o711))
	return &composed{t: t, folder: folder}
}

// startComposed builds the programs, finds addresses for the services, and starts Redis
// and PostgreSQL. ok is false where this machine lacks a program.
func startComposed(t *testing.T) (c *composed, ok bool) {
	t.Helper()
	if runtime.GOOS != "linux" { // elsewhere only 127.0.0.1 is an address of the machine
		return nil, false
	}
	if _, ok := testenv.Program(t, "caddy", "install Debian's package caddy"); !ok || !testenv.Programs(t, "redis", "postgres") {
		return nil, false
	}
	c = newComposed(t)
	c.project = firstLook(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", c.folder+"/", ".", "./dev/simulator")
	build.Dir = "../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	ports, err := freeport.Find(9)
	require.NoError(t, err)
	at := func(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }
	c.callbacks, c.admin, c.http, c.https, c.postgres, c.temporal = ports[0], ports[1], ports[2], ports[3], ports[4], ports[5]
	redis := ports[6]
	c.addresses = strings.NewReplacer(
		"redis:6379", at(programs.Host, redis), "postgres:5432", at(programs.Host, c.postgres), "temporal:7233", at(programs.Host, c.temporal),
		"starter-1:8080", at("127.0.0.11", c.callbacks), "starter-2:8080", at("127.0.0.12", c.callbacks),
		"https://proxy", "https://"+at("localhost", c.https),
		"//simulator:8090", "//"+at("127.0.0.15", ports[7]), "//simulator:8091", "//"+at("127.0.0.15", ports[8]),
		"/caddy/", c.folder+"/", "/simulator", c.folder,
	)
	c.startStores(redis)
	return c, true
}

// startStores starts Redis and PostgreSQL with the arguments of the file, and makes the
// users and the ledger's database with its script.
func (c *composed) startStores(redis int) {
	c.t.Helper()
	server, err := programs.Redis(filepath.Join(c.folder, "redis"), redis, "everysec")
	require.NoError(c.t, err)
	server.Args = append(server.Args, c.project.Services["redis"].Command[1:]...)
	c.startServer("redis", server, nil)
	server, err = programs.Postgres(filepath.Join(c.folder, "postgres"), c.postgres)
	require.NoError(c.t, err)
	server.Args = append(server.Args, c.project.Services["postgres"].Command[1:]...)
	c.startServer("postgres", server, nil)
	database := c.variables("postgres")
	database["PGHOST"], database["PGPORT"], database["POSTGRES_USER"] = programs.Host, strconv.Itoa(c.postgres), programs.Superuser
	c.awaitScript("postgres-init", database)
}

// variables is the environment of a service that is not one of aftercall.
func (c *composed) variables(service string) map[string]string {
	environ := map[string]string{}
	for name, value := range c.project.Services[service].Environment {
		environ[name] = c.addresses.Replace(*value)
	}
	return environ
}

// environ is the environment of a service whose process has the address host.
func (c *composed) environ(service, host string) map[string]string {
	environ := environmentOf(c.t, c.project.Services[service])
	for name, value := range environ {
		switch name {
		case "AFTERCALL_CONFIG":
		case "AFTERCALL_LISTEN":
			require.Equal(c.t, ":8080", value)
			environ[name] = fmt.Sprintf("%s:%d", host, c.callbacks)
		case "AFTERCALL_ADMIN_LISTEN":
			require.Equal(c.t, ":9090", value)
			environ[name] = fmt.Sprintf("%s:%d", host, c.admin)
		default:
			environ[name] = c.addresses.Replace(value)
		}
	}
	return environ
}

// makeNamespace runs the namespace's script, twice.
func (c *composed) makeNamespace() {
	c.t.Helper()
	environ := c.variables("namespace")
	c.awaitScript("namespace", environ)
	c.requireScript("namespace", environ)
	client, name, err := temporalclient.NewClient(c.environ("worker", ""), nil, slog.New(slog.DiscardHandler))
	require.NoError(c.t, err)
	defer client.Close()
	missing, known, err := temporalclient.MissingAttributes(c.t.Context(), client, name, workflows.SearchAttributes)
	require.NoError(c.t, err)
	require.True(c.t, known)
	require.Empty(c.t, missing)
	retention, err := temporalclient.Retention(c.t.Context(), client, name)
	require.NoError(c.t, err)
	require.Equal(c.t, local.Retention, retention)
}

// awaitCharge waits until a callback was accepted through the proxy, and its call is in
// the ledger.
func (c *composed) awaitCharge(tencent, ledgerURL string) {
	c.t.Helper()
	store, err := ledger.OpenReadOnly(c.t.Context(), ledgerURL)
	require.NoError(c.t, err)
	defer store.Close()
	certificate, err := os.ReadFile(filepath.Join(c.folder, "cert.pem"))
	require.NoError(c.t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: testcert.Pool(testcert.Pair{Cert: certificate})}}
	defer transport.CloseIdleConnections()
	require.Eventually(c.t, func() bool {
		resp, err := (&http.Client{Transport: transport}).Get(tencent + "/control/calls")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var calls []tencentsim.Call
		if err := json.NewDecoder(resp.Body).Decode(&calls); err != nil {
			return false
		}
		return slices.ContainsFunc(calls, func(call tencentsim.Call) bool {
			accepted := slices.ContainsFunc(call.Callbacks, func(p tencentsim.PostedCallback) bool { return p.Status == http.StatusOK })
			entries, err := store.Get(c.t.Context(), call.SDKAppID, call.Record.CallID)
			return err == nil && accepted && len(entries) > 0
		})
	}, 5*time.Minute, 200*time.Millisecond, "no call of the simulator is charged")
}
