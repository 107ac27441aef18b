package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// startRedis takes the best Redis there is: the one that REDIS_URL names, a
// redis-server of our own, or the embedded one, which forgets when it stops.
func (s *Stack) startRedis(ctx context.Context) error {
	if url := os.Getenv("REDIS_URL"); url != "" && !s.isolated {
		s.redisURL, s.RedisKind = url, "yours, by REDIS_URL"
		return s.awaitRedis(ctx)
	}
	s.redisURL = "redis://" + address(s.ports.Redis) + "/0"
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return s.embedRedis()
	}
	s.RedisKind = "redis-server, append-only file on"
	dir := filepath.Join(s.dir, "redis")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data folder of Redis: %w", err)
	}
	if err := s.spawn("redis", bin, []string{
		"--port", strconv.Itoa(s.ports.Redis), "--bind", host, "--dir", dir, "--appendonly", "yes", "--save", "",
	}, nil); err != nil {
		return err
	}
	return s.awaitRedis(ctx)
}

func (s *Stack) awaitRedis(ctx context.Context) error {
	options, err := redis.ParseURL(s.redisURL)
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	c := redis.NewClient(options)
	defer c.Close()
	return s.await(ctx, "Redis", func(ctx context.Context) error { return c.Ping(ctx).Err() })
}

// embedRedis runs miniredis, whose keys expire only as its clock is driven.
func (s *Stack) embedRedis() error {
	s.RedisKind = "embedded (no redis-server on PATH): duplicates are forgotten by Redis at every stop"
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(address(s.ports.Redis)); err != nil {
		return fmt.Errorf("embedded Redis: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		const tick = time.Second
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(tick):
				m.FastForward(tick)
			}
		}
	}()
	s.onStop("redis", func(context.Context) error {
		cancel()
		<-done
		m.Close()
		return nil
	})
	return nil
}

// await polls until a part answers.
func (s *Stack) await(ctx context.Context, name string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come up: %w", name, errors.Join(err, ctx.Err()))
		case err := <-s.failed:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
