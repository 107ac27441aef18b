package main

import (
	"bytes"
	"context"
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
	"strings"
	"syscall"
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
	callbacks, admin, http, https int
}

// TestComposeCharges runs the first look of the Compose file: starters behind the
// proxy with TLS, workers, the simulator, and the one-shot jobs, until a call of the
// simulator is charged.
func TestComposeCharges(t *testing.T) {
	caddy, ok := testenv.Program(t, "caddy", "install Debian's package caddy")
	if runtime.GOOS != "linux" || !ok || !testenv.Programs(t) {
		return // elsewhere only 127.0.0.1 is an address of the machine
	}
	c, stack := startComposed(t)
	c.initialize(stack)
	ports := strings.NewReplacer("admin off", fmt.Sprintf("admin off\n\thttp_port %d\n\thttps_port %d", c.http, c.https),
		"health_port 9090", fmt.Sprint("health_port ", c.admin))
	text, err := os.ReadFile(c.project.Configs["caddyfile"].File)
	require.NoError(t, err)
	file := filepath.Join(c.folder, "Caddyfile")
	require.NoError(t, os.WriteFile(file, []byte(ports.Replace(c.addresses.Replace(string(text)))), 0o600))
	c.start("proxy", exec.Command(caddy, "run", "--config", file, "--adapter", "caddyfile"), map[string]string{
		"SITE": "localhost", "XDG_DATA_HOME": c.folder, "HOME": c.folder,
	})
	simulator := c.environ("simulator", "127.0.0.15")
	require.Eventually(t, func() bool {
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

// startComposed starts what the services need, and finds addresses for them.
func startComposed(t *testing.T) (*composed, *local.Stack) {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "aftercall-compose-") // PostgreSQL's user cannot reach t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o711))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", folder+"/", ".", "./dev/simulator")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	topology := local.Topology{Name: "compose", Postgres: true}
	ports, err := local.FreePorts(topology)
	require.NoError(t, err)
	temporal, err := local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	stack, err := local.Start(t.Context(), local.Options{
		Root: root, Dir: filepath.Join(folder, "stack"), Topology: topology, Ports: ports, Temporal: temporal, Isolated: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop(context.Background())) })
	free, err := freeport.Find(6)
	require.NoError(t, err)
	at := func(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }
	c := &composed{t: t, project: firstLook(t), folder: folder, callbacks: free[0], admin: free[1], http: free[4], https: free[5]}
	c.addresses = strings.NewReplacer(
		"redis:6379", at("127.0.0.1", ports.Redis), "postgres:5432", at("127.0.0.1", ports.Postgres), "temporal:7233", ports.TemporalAddress(),
		"starter-1:8080", at("127.0.0.11", c.callbacks), "starter-2:8080", at("127.0.0.12", c.callbacks),
		"https://proxy", "https://"+at("localhost", free[5]),
		"//simulator:8090", "//"+at("127.0.0.15", free[2]), "//simulator:8091", "//"+at("127.0.0.15", free[3]),
		"/caddy/", folder+"/", "/simulator", folder,
	)
	return c, stack
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

// start starts a process. At the end of the test it has as long to stop as the file
// gives it.
func (c *composed) start(name string, cmd *exec.Cmd, environ map[string]string) {
	log := &testenv.Log{}
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, list(environ)
	require.NoError(c.t, cmd.Start(), name)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.t.Cleanup(func() {
		require.NoError(c.t, cmd.Process.Signal(syscall.SIGTERM), name)
		select {
		case err := <-ended:
			require.NoError(c.t, err, name)
		case <-time.After(time.Duration(*c.project.Services["worker"].StopGracePeriod)):
			require.NoError(c.t, cmd.Process.Kill())
			c.t.Errorf("%s does not stop within its stop_grace_period", name)
		}
		if c.t.Failed() {
			c.t.Logf("%s:\n%s", name, log)
		}
	})
}

func list(environ map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		all = append(all, name+"="+environ[name])
	}
	return all
}

// initialize runs what runs once: the database's script, and the namespace's, twice.
func (c *composed) initialize(stack *local.Stack) {
	c.t.Helper()
	run := func(config string, environ map[string]string) {
		var out []byte
		require.Eventually(c.t, func() bool { // restart: on-failure
			cmd := exec.CommandContext(c.t.Context(), "sh", c.project.Configs[config].File)
			cmd.Env = append(os.Environ(), list(environ)...)
			var err error
			out, err = cmd.CombinedOutput()
			return err == nil
		}, 5*time.Minute, time.Second, "%s: %s", config, &lazy{&out})
	}
	database := map[string]string{"PGHOST": "127.0.0.1", "PGPORT": fmt.Sprint(stack.Ports().Postgres), "POSTGRES_USER": programs.Superuser}
	for name, value := range c.project.Services["postgres"].Environment {
		database[name] = *value
	}
	run("postgres-init", database)

	path, err := local.TemporalPath(c.t.Context(), "../..")
	require.NoError(c.t, err)
	path, err = filepath.Abs(path)
	require.NoError(c.t, err)
	namespace := map[string]string{"PATH": filepath.Dir(path) + ":" + os.Getenv("PATH")}
	for name, value := range c.project.Services["namespace"].Environment {
		namespace[name] = c.addresses.Replace(*value)
	}
	run("namespace", namespace)
	run("namespace", namespace)
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

// awaitHealthy runs the health check of a service until it passes.
func (c *composed) awaitHealthy(service types.ServiceConfig, environ map[string]string) {
	c.t.Helper()
	var out []byte
	require.Eventually(c.t, func() bool {
		command := strings.Fields(c.addresses.Replace(strings.Join(service.HealthCheck.Test[1:], " ")))
		health := exec.CommandContext(c.t.Context(), filepath.Join(c.folder, command[0]), command[1:]...)
		health.Env = list(environ)
		var err error
		out, err = health.CombinedOutput()
		return err == nil
	}, 5*time.Minute, 200*time.Millisecond, "%s", &lazy{&out})
}

// lazy prints bytes as they are when they are printed.
type lazy struct{ text *[]byte }

func (l *lazy) String() string { return string(bytes.TrimSpace(*l.text)) }

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
