package testenv

import (
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv/programs"
)

// startTimeout is how long a server may take to come up on a busy machine.
const startTimeout = 60 * time.Second

// Redis is a private redis-server.
type Redis struct {
	t      testing.TB
	port   int
	server programs.Server
	cmd    *exec.Cmd
}

// StartRedis starts a private redis-server with an append-only file. ok is
// false when the machine has none; see the package on when that is a failure.
func StartRedis(t testing.TB) (r *Redis, ok bool) {
	t.Helper()
	r = &Redis{t: t, port: FreePort(t)}
	var err error
	r.server, err = programs.Redis(t.TempDir(), r.port, "always")
	if missing := (*programs.MissingError)(nil); errors.As(err, &missing) {
		reportMissing(t, missing.Name, "apt-get install "+missing.Package)
		return nil, false
	}
	require.NoError(t, err)
	r.Start()
	t.Cleanup(r.Stop)
	return r, true
}

// URL is the server's REDIS_URL.
func (r *Redis) URL() string { return programs.RedisURL(r.port) }

// Start starts the server again, on the same port and data.
func (r *Redis) Start() {
	r.t.Helper()
	r.cmd = r.server.Command()
	require.NoError(r.t, r.cmd.Start())
	require.Eventually(r.t, func() bool { return programs.PingRedis(context.Background(), r.URL()) == nil },
		startTimeout, 20*time.Millisecond, "redis-server did not come up")
}

// Stop kills the server and waits for its end.
func (r *Redis) Stop() {
	if r.cmd == nil {
		return
	}
	// It may have ended already; how does not matter.
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
}
