package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"
)

func redisFaults() []fault {
	return []fault{
		{"kill -9", "redis", killed("redis")},
		{"restart empty", "redis", restartedEmpty},
		{"FLUSHALL", "redis", redisCommand("FLUSHALL")},
		// Nothing listens on port 1: it keeps what it has.
		{"read-only replica", "redis", redisSetting("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")},
		{"out of memory", "redis", redisSetting("CONFIG SET maxmemory 1 maxmemory-policy noeviction", "CONFIG SET maxmemory 0")},
		{"NOPERM", "redis", redisSetting("ACL SETUSER default resetkeys", "ACL SETUSER default allkeys")},
	}
}

func restartedEmpty(_ context.Context, w *world) (end, error) {
	if err := w.stack.KillPart("redis"); err != nil {
		return nil, err
	}
	err := os.RemoveAll(filepath.Join(w.stack.Dir(), "redis"))
	return func(ctx context.Context) error { return w.stack.StartPart(ctx, "redis") }, err
}

func redisCommand(command string) begin {
	return func(ctx context.Context, w *world) (end, error) { return nil, w.redis(ctx, command) }
}

// redisSetting changes a setting with one command, and back with another one.
func redisSetting(change, back string) begin {
	return func(ctx context.Context, w *world) (end, error) {
		err := w.redis(ctx, change)
		return func(ctx context.Context) error { return w.redis(ctx, back) }, err
	}
}

// redis runs a command as an administrator would, without the network of faults.
func (w *world) redis(ctx context.Context, command string) error {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", w.stack.Ports().Redis)})
	defer c.Close()
	var words []any
	for word := range strings.FieldsSeq(command) {
		words = append(words, word)
	}
	return c.Do(ctx, words...).Err()
}
