package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"

	"aftercall/internal/testenv/programs"
)

// startRedis uses the Redis at REDIS_URL, else starts redis-server, else, where the
// topology allows it, the embedded Redis, which loses its data when it stops.
func (s *Stack) startRedis(ctx context.Context) error {
	if url := os.Getenv("REDIS_URL"); url != "" && !s.isolated {
		s.redisURL, s.RedisKind = url, "external, from REDIS_URL"
		return s.awaitRedis(ctx)
	}
	s.redisURL = programs.RedisURL(s.ports.Redis)
	server, err := programs.Redis(filepath.Join(s.dir, "redis"), s.ports.Redis, "everysec")
	if s.options.Topology.EmbeddedRedis && errors.As(err, new(*programs.MissingError)) {
		return s.embedRedis()
	}
	if err != nil {
		return err
	}
	s.RedisKind = "redis-server, append-only file on"
	if err := s.spawn("redis", server); err != nil {
		return err
	}
	return s.awaitRedis(ctx)
}

func (s *Stack) awaitRedis(ctx context.Context) error {
	return s.await(ctx, "Redis", func(ctx context.Context) error { return programs.PingRedis(ctx, s.redisURL) })
}

// embedRedis runs miniredis. Its clock must be advanced for its keys to expire.
func (s *Stack) embedRedis() error {
	s.RedisKind = "embedded, because there is no redis-server on PATH; it loses its data at every stop"
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
