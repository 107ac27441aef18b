package redisguard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// ServiceTimeout is how long the starter and the worker wait for an answer
	// unless configured. It is enough for a Redis that is far away, and leaves most
	// of a callback's time to Temporal.
	ServiceTimeout = 250 * time.Millisecond
	// MinTimeout is the shortest that can be configured, MaxTimeout the longest.
	MinTimeout = 10 * time.Millisecond
	// MaxTimeout leaves the rest of a callback's time to Temporal.
	MaxTimeout = 300 * time.Millisecond
	// PatientTimeout is for commands and tests, which have time, and for which a
	// busy machine is no outage.
	PatientTimeout = 5 * time.Second

	// connectTimeout is for connecting, which takes several round trips and is
	// done in the background.
	connectTimeout = 2 * time.Second
	// serviceConnections are open before the first command of a service. More are
	// not opened, so that no command waits for a connection to be made.
	serviceConnections = 24
)

// disableLog keeps go-redis from writing its own lines to stderr for every
// failed connection: a Guard logs an outage once.
var disableLog sync.Once

type discard struct{}

// Printf implements go-redis's logger.
func (discard) Printf(context.Context, string, ...any) {}

// Option changes how a client connects.
type Option func(*redis.Options) error

// NewClient returns a Redis client for a Guard. timeout bounds each step of a
// command: waiting for a free connection, writing and reading; connecting has a
// time of its own. Nothing is retried, so that a Guard sees the first failure.
func NewClient(url string, timeout time.Duration, options ...Option) (*redis.Client, error) {
	disableLog.Do(func() { redis.SetLogger(discard{}) })
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w; use redis://[user:password@]host:port/db or rediss://…", err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout, o.PoolTimeout, o.ReadTimeout, o.WriteTimeout = max(timeout, connectTimeout), timeout, timeout, timeout
	if timeout <= MaxTimeout {
		o.PoolSize = serviceConnections
	}
	// Each connection is used in turn, and none is closed for being idle.
	o.PoolFIFO = true
	o.ConnMaxIdleTime = -1
	// CLIENT SETINFO costs a round trip with every connection, and is an error
	// before Redis 7.2.
	o.DisableIdentity = true
	// Only managed services send them; everywhere else they are an error at every connection.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	for _, option := range options {
		if err := option(o); err != nil {
			return nil, err
		}
	}
	return redis.NewClient(o), nil
}
