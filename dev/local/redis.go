package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"

	"aftercall/internal/testenv/dbserver"
)

// startRedis uses the Redis at REDIS_URL, else starts redis-server, else the
// embedded Redis, which loses its data when it stops.
func (s *Stack) startRedis(ctx context.Context) error {
	if url := os.Getenv("REDIS_URL"); url != "" && !s.isolated {
		s.redisURL, s.RedisKind = url, "external, from REDIS_URL"
		return s.awaitRedis(ctx)
	}
	s.redisURL = dbserver.RedisURL(s.ports.Redis)
	server, err := dbserver.Redis(filepath.Join(s.dir, "redis"), s.ports.Redis, "everysec")
	if errors.As(err, new(*dbserver.MissingError)) {
		return s.embedRedis()
	}
	if err != nil {
		return err
	}
	s.RedisKind = "redis-server, append-only file on"
	if err := s.spawn("redis", server.Path, server.Args, nil); err != nil {
		return err
	}
	return s.awaitRedis(ctx)
}

func (s *Stack) awaitRedis(ctx context.Context) error {
	return s.await(ctx, "Redis", func(ctx context.Context) error { return dbserver.PingRedis(ctx, s.redisURL) })
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

// await polls until a part answers, the stack fails, or startTimeout is over.
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
			return fmt.Errorf("%s did not start: %w", name, errors.Join(err, ctx.Err()))
		case err := <-s.failed:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
