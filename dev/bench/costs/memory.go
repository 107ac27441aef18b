package costs

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"aftercall/internal/dedupe"
	"aftercall/internal/freeport"
	"aftercall/internal/redisguard"
	"aftercall/internal/testenv/programs"
)

const (
	// Remembered is how many calls of one app a Redis is given, within one dedupe.Period:
	// 3.5 a second. Of more calls, each takes a little less.
	Remembered = 100_000
	// confirmers give it to it at the same time.
	confirmers = 20
)

// RedisMemory starts a Redis in dir, lets it remember calls whose CallIds are UUIDs, and
// returns how many bytes it needs for each, with its share of keys, expiries and tables.
func RedisMemory(ctx context.Context, dir string, calls int) (bytes int64, err error) {
	ports, err := freeport.Find(1)
	if err != nil {
		return 0, err
	}
	server, err := programs.Redis(dir, ports[0], "everysec")
	if err != nil {
		return 0, err
	}
	cmd := server.Command()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill() // its data are not needed
		_ = cmd.Wait()
	}()
	url := programs.RedisURL(ports[0])
	up, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for programs.PingRedis(up, url) != nil {
		if err := sleep(up, 10*time.Millisecond); err != nil {
			return 0, fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout)
	if err != nil {
		return 0, err
	}
	defer rdb.Close()
	return rememberCalls(ctx, rdb, calls)
}

func rememberCalls(ctx context.Context, rdb *redis.Client, calls int) (bytes int64, err error) {
	// What is on its way to the disk is not what calls need.
	if err := rdb.ConfigSet(ctx, "appendonly", "no").Err(); err != nil {
		return 0, err
	}
	reg, now := prometheus.NewRegistry(), time.Now()
	guard := redisguard.New(ctx, rdb, reg, slog.New(slog.DiscardHandler))
	defer guard.Close()
	store := dedupe.New(guard, dedupe.DefaultWindow, func() time.Time { return now }, reg)
	// As after a claim that Redis did not answer, so that there are no claims to wait for.
	unanswered, cancel := context.WithCancel(ctx)
	cancel()
	confirm := func(calls int) error {
		var group errgroup.Group
		for range confirmers {
			group.Go(func() error {
				for range calls / confirmers {
					fingerprint := uuid.New()
					claim := store.Claim(unanswered, firstApp, uuid.NewString(), "")
					store.Confirm(ctx, claim, hex.EncodeToString(fingerprint[:]))
				}
				return ctx.Err()
			})
		}
		return group.Wait()
	}
	if err := confirm(confirmers * confirmers); err != nil { // opens the connections
		return 0, err
	}
	if err := rdb.FlushAll(ctx).Err(); err != nil {
		return 0, err
	}
	before, err := usedMemory(ctx, rdb)
	if err != nil {
		return 0, err
	}
	if err := confirm(calls); err != nil {
		return 0, err
	}
	after, err := usedMemory(ctx, rdb)
	return (after - before) / int64(calls), err
}

func usedMemory(ctx context.Context, rdb *redis.Client) (int64, error) {
	info, err := rdb.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(info["Memory"]["used_memory"]), 10, 64)
}
