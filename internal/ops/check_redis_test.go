package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRedisSpeed(t *testing.T) {
	const answers, timeout = "redis://cache answers in a while", 200 * time.Millisecond
	for took, want := range map[time.Duration]string{
		time.Millisecond:       answers,
		60 * time.Millisecond:  answers + ": slow, but used, because AFTERCALL_REDIS_TIMEOUT is 200ms",
		200 * time.Millisecond: answers + ": slow, but used, because AFTERCALL_REDIS_TIMEOUT is 200ms",
	} {
		detail, err := redisSpeed(answers, took, timeout)
		require.NoError(t, err)
		require.Equal(t, want, detail)
	}
	_, err := redisSpeed(answers, 201*time.Millisecond, timeout)
	require.ErrorContains(t, err, "longer than starter and worker wait for it (200ms): they work without it")
}
