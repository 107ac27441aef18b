package programs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Redis returns a redis-server that keeps its data in folder, which it makes,
// in an append-only file. fsync is Redis's setting appendfsync: always or
// everysec. The error is a *MissingError where there is no redis-server.
func Redis(folder string, port int, fsync string) (Server, error) {
	path, err := redisServer()
	if err != nil {
		return Server{}, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Server{}, fmt.Errorf("data folder of Redis: %w", err)
	}
	return Server{Path: path, Dir: folder, StopSignal: syscall.SIGTERM, Args: []string{
		"--port", strconv.Itoa(port), "--bind", Host, "--dir", folder,
		"--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--loglevel", "warning",
	}}, nil
}

func redisServer() (path string, err error) {
	if path, err = exec.LookPath("redis-server"); err != nil {
		return "", &MissingError{Name: "redis", Program: "redis-server", Package: "redis-server"}
	}
	return path, nil
}

// RedisURL is the REDIS_URL of the server at port.
func RedisURL(port int) string { return "redis://" + address(port) + "/0" }

// PingRedis asks a Redis whether it is up.
func PingRedis(ctx context.Context, url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	c := redis.NewClient(options)
	defer c.Close()
	return c.Ping(ctx).Err()
}
