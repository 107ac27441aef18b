package main

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/programs"
)

// start starts a process. At the end of the test it has as long to stop as the file
// gives it.
func (c *composed) start(name string, cmd *exec.Cmd, environ map[string]string) {
	ended := c.run(name, cmd, environ)
	c.t.Cleanup(func() {
		require.NoError(c.t, c.stop(name, cmd, ended, syscall.SIGTERM, time.Duration(*c.project.Services["worker"].StopGracePeriod)), name)
	})
}

// startServer starts what others wrote, which may report the signal that stops it as an
// error.
func (c *composed) startServer(name string, server programs.Server, environ map[string]string) {
	cmd := server.Command()
	ended := c.run(name, cmd, environ)
	c.t.Cleanup(func() {
		if err := c.stop(name, cmd, ended, cmp.Or(server.StopSignal, syscall.SIGTERM), time.Minute); err != nil {
			require.ErrorAs(c.t, err, new(*exec.ExitError), name)
		}
	})
}

// run starts a process, whose log a failed test prints.
func (c *composed) run(name string, cmd *exec.Cmd, environ map[string]string) (ended <-chan error) {
	log := &testenv.Log{}
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, list(environ)
	require.NoError(c.t, cmd.Start(), name)
	c.t.Cleanup(func() {
		if c.t.Failed() {
			c.t.Logf("%s:\n%s", name, log)
		}
	})
	result := make(chan error, 1)
	go func() { result <- cmd.Wait() }()
	return result
}

// stop stops a process, and returns how it ended.
func (c *composed) stop(name string, cmd *exec.Cmd, ended <-chan error, signal os.Signal, within time.Duration) error {
	if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(within):
		c.t.Errorf("%s does not stop within %s", name, within)
		return errors.Join(cmd.Process.Kill(), <-ended)
	}
}

func list(environ map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		all = append(all, name+"="+environ[name])
	}
	return all
}

// await repeats what fails, as `restart: on-failure` does.
func (c *composed) await(name string, run func() ([]byte, error)) {
	c.t.Helper()
	var out []byte
	require.Eventually(c.t, func() bool {
		var err error
		out, err = run()
		return err == nil
	}, 5*time.Minute, 200*time.Millisecond, "%s: %s", name, &lazy{&out})
}

// awaitScript runs a script of the file until it succeeds.
func (c *composed) awaitScript(config string, environ map[string]string) {
	c.t.Helper()
	c.await(config, func() ([]byte, error) { return c.script(config, environ) })
}

// requireScript runs a script that succeeds, such as one that has run before.
func (c *composed) requireScript(config string, environ map[string]string) {
	c.t.Helper()
	out, err := c.script(config, environ)
	require.NoError(c.t, err, "%s: %s", config, out)
}

func (c *composed) script(config string, environ map[string]string) ([]byte, error) {
	return c.sh(environ, c.project.Configs[config].File)
}

// sh runs a shell with the programs of Temporal's images.
func (c *composed) sh(environ map[string]string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(c.t.Context(), "sh", arguments...)
	cmd.Env = append(append(os.Environ(), list(environ)...), "PATH="+c.path())
	return cmd.CombinedOutput()
}

// path has the programs of Temporal's images.
func (c *composed) path() string {
	c.t.Helper()
	built, err := filepath.Abs("../bin")
	require.NoError(c.t, err)
	return filepath.Dir(c.temporalCLI()) + ":" + built + ":" + os.Getenv("PATH")
}

func (c *composed) temporalCLI() string {
	c.t.Helper()
	path, err := local.TemporalPath(c.t.Context(), "../..")
	require.NoError(c.t, err)
	path, err = filepath.Abs(path)
	require.NoError(c.t, err)
	return path
}

// awaitHealthy runs the health check of a service until it passes.
func (c *composed) awaitHealthy(service types.ServiceConfig, environ map[string]string) {
	c.t.Helper()
	command := strings.Fields(c.addresses.Replace(strings.Join(service.HealthCheck.Test[1:], " ")))
	c.await(strings.Join(command, " "), func() ([]byte, error) {
		health := exec.CommandContext(c.t.Context(), filepath.Join(c.folder, command[0]), command[1:]...)
		health.Env = list(environ)
		return health.CombinedOutput()
	})
}

// lazy prints bytes as they are when they are printed.
type lazy struct{ text *[]byte }

func (l *lazy) String() string { return string(bytes.TrimSpace(*l.text)) }
