package redisguard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBadURL(t *testing.T) {
	_, err := NewClient("localhost:6379", ServiceTimeout)
	require.ErrorContains(t, err, "REDIS_URL")
	require.ErrorContains(t, err, "redis://")
}

func TestEveryStepOfACommandHasTheTimeout(t *testing.T) {
	rdb, err := NewClient("redis://127.0.0.1:1", 7*time.Second)
	require.NoError(t, err)
	defer rdb.Close()
	o := rdb.Options()
	for name, timeout := range map[string]time.Duration{
		"dial": o.DialTimeout, "pool": o.PoolTimeout, "read": o.ReadTimeout, "write": o.WriteTimeout,
	} {
		require.Equal(t, 7*time.Second, timeout, name)
	}
	require.Zero(t, o.MaxRetries)
}
