package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/redis/go-redis/v9"
)

func redisFaults() []fault {
	return []fault{
		{"kill -9", "redis", killed("redis")},
		{"restart empty", "redis", restartedEmpty},
		{"FLUSHALL", "redis", flushed},
	}
}

func restartedEmpty(_ context.Context, w *world) (end, error) {
	if err := w.stack.KillPart("redis"); err != nil {
		return nil, err
	}
	err := os.RemoveAll(filepath.Join(w.stack.Dir(), "redis"))
	return func(ctx context.Context) error { return w.stack.StartPart(ctx, "redis") }, err
}

func flushed(ctx context.Context, w *world) (end, error) {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", w.stack.Ports().Redis)})
	defer c.Close()
	return nil, c.FlushAll(ctx).Err()
}
