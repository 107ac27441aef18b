package redisguard

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// silence keeps go-redis from writing lines of its own to stderr for every
// connection that fails: a Guard says once what they say again and again.
var silence sync.Once

type discard struct{}

// Printf implements go-redis's logger.
func (discard) Printf(context.Context, string, ...any) {}

// NewClient returns a Redis client fit for a Guard: it fails fast and leaves
// every second attempt to the Guard's judgement.
func NewClient(url string) (*redis.Client, error) {
	silence.Do(func() { redis.SetLogger(discard{}) })
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w; use redis://[user:password@]host:port/db or rediss://…", err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout = Timeout
	o.PoolTimeout = Timeout // for a connection to be free
	// Sent by managed services only, and an error at every connection elsewhere.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}
