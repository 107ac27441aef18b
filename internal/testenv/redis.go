package testenv

import (
	"context"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Redis is a private redis-server.
type Redis struct {
	t    testing.TB
	bin  string
	dir  string
	port int
	cmd  *exec.Cmd
}

// StartRedis starts a private redis-server with an append-only file. ok is
// false when the machine has none; see the package on when that is a failure.
func StartRedis(t testing.TB) (r *Redis, ok bool) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "redis", "apt-get install redis-server")
		return nil, false
	}
	r = &Redis{t: t, bin: bin, dir: t.TempDir(), port: FreePort(t)}
	r.Start()
	t.Cleanup(r.Stop)
	return r, true
}

// URL is the server's REDIS_URL.
func (r *Redis) URL() string { return "redis://127.0.0.1:" + strconv.Itoa(r.port) + "/0" }

// Start starts the server again, on the same port and data.
func (r *Redis) Start() {
	r.t.Helper()
	r.cmd = exec.Command(r.bin, "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--dir", r.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--loglevel", "warning")
	require.NoError(r.t, r.cmd.Start())
	options, err := redis.ParseURL(r.URL())
	require.NoError(r.t, err)
	c := redis.NewClient(options)
	defer c.Close()
	require.Eventually(r.t, func() bool { return c.Ping(context.Background()).Err() == nil },
		10*time.Second, 20*time.Millisecond, "redis-server did not come up")
}

// Stop ends the server and waits until it has gone.
func (r *Redis) Stop() {
	if r.cmd == nil {
		return
	}
	// It may be gone already, and how it ended is of no interest.
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
}
