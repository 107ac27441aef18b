package redisguard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Timeouts of one round trip to Redis.
const (
	// ServiceTimeout is for the starter and the worker, which go on without a
	// slow Redis: it leaves most of a callback's 1.5 s to Temporal.
	ServiceTimeout = 100 * time.Millisecond
	// PatientTimeout is for commands and tests, which have time, and for which a
	// busy machine is no outage.
	PatientTimeout = 5 * time.Second
)

// disableLog keeps go-redis from writing its own lines to stderr for every
// failed connection: a Guard logs an outage once.
var disableLog sync.Once

type discard struct{}

// Printf implements go-redis's logger.
func (discard) Printf(context.Context, string, ...any) {}

// NewClient returns a Redis client for a Guard. timeout bounds each step of a
// command: connecting, waiting for a free connection, writing and reading.
// Nothing is retried, so that a Guard sees the first failure.
func NewClient(url string, timeout time.Duration) (*redis.Client, error) {
	disableLog.Do(func() { redis.SetLogger(discard{}) })
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w; use redis://[user:password@]host:port/db or rediss://…", err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout, o.PoolTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout, timeout
	// Only managed services send them; everywhere else they are an error at every connection.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}
