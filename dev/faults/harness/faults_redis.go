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
		{"FLUSHALL", "redis", flushed},
		// Nothing listens on port 1: it keeps what it has.
		{"read-only replica", "redis", redisSetting("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "READONLY")},
		{"out of memory", "redis", redisSetting("CONFIG SET maxmemory 1 maxmemory-policy noeviction", "CONFIG SET maxmemory 0", "OOM")},
		{"NOPERM", "redis", redisSetting("ACL SETUSER default resetkeys", "ACL SETUSER default allkeys", "NOPERM")},
	}
}

func restartedEmpty(ctx context.Context, w *world) (end, error) {
	if err := w.awaitKeys(ctx); err != nil {
		return nil, err
	}
	if err := w.stack.KillPart("redis"); err != nil {
		return nil, err
	}
	err := os.RemoveAll(filepath.Join(w.stack.Dir(), "redis"))
	return func(ctx context.Context) error { return w.stack.StartPart(ctx, "redis") }, err
}

func flushed(ctx context.Context, w *world) (end, error) {
	if err := w.awaitKeys(ctx); err != nil {
		return nil, err
	}
	_, err := w.redis(ctx, "FLUSHALL")
	return nil, err
}

// awaitKeys waits until Redis has something to forget, which is the effect of the fault.
func (w *world) awaitKeys(ctx context.Context) error {
	seen, err := w.leadTo(ctx, func(ctx context.Context) (string, error) {
		keys, err := w.redis(ctx, "DBSIZE")
		if keys == "0" {
			return "", err
		}
		return keys + " keys were forgotten", err
	})
	w.shows(func(context.Context) (string, error) { return seen, nil })
	return err
}

// redisSetting changes a setting with one command, and back with another one. In between
// Redis answers errors with a code.
func redisSetting(change, back, code string) begin {
	return func(ctx context.Context, w *world) (end, error) {
		if err := w.showsCount(ctx, "errors "+code, w.redisErrors(code)); err != nil {
			return nil, err
		}
		_, err := w.redis(ctx, change)
		return func(ctx context.Context) error {
			_, err := w.redis(ctx, back)
			return err
		}, err
	}
}

// redisErrors counts the errors with a code that Redis has answered.
func (w *world) redisErrors(code string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		info, err := w.redis(ctx, "INFO errorstats")
		return errorsIn(info, code), err
	}
}

func errorsIn(info, code string) (n int) {
	for line := range strings.Lines(info) {
		if _, err := fmt.Sscanf(line, "errorstat_"+code+":count=%d", &n); err == nil {
			return n
		}
	}
	return 0
}

// redis runs a command as an administrator would, without the network of faults, and
// returns its answer as text.
func (w *world) redis(ctx context.Context, command string) (string, error) {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", w.stack.Ports().Redis)})
	defer c.Close()
	var words []any
	for word := range strings.FieldsSeq(command) {
		words = append(words, word)
	}
	answer, err := c.Do(ctx, words...).Result()
	return fmt.Sprint(answer), err
}
