package redisguard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBadURL(t *testing.T) {
	_, err := NewClient("localhost:6379")
	require.ErrorContains(t, err, "REDIS_URL")
	require.ErrorContains(t, err, "redis://")
}
