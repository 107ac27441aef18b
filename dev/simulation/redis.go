package simulation

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// redisSeam is a go-redis hook in front of a Redis in memory, which lives by the clock
// of the simulation.
type redisSeam struct {
	plan  *Plan
	redis *miniredis.Miniredis
	mu    sync.Mutex
	moved time.Time
}

var errRedisDown = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("simulated: connection refused")}

// dial connects to the Redis in memory.
func (s *redisSeam) dial(context.Context, string, string) (net.Conn, error) {
	if s.plan.down(RedisDown, "") {
		return nil, errRedisDown
	}
	return s.redis.Dial()
}

// DialHook implements redis.Hook.
func (s *redisSeam) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (s *redisSeam) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (s *redisSeam) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		s.expire()
		if s.plan.down(RedisDown, "") {
			return failed(command, errRedisDown)
		}
		if deathOf(ctx).dead.Load() { // the process is gone: not an outage of Redis
			return failed(command, redis.ErrPoolTimeout)
		}
		key, ok := keyOf(command)
		if !ok {
			return next(ctx, command)
		}
		if s.plan.strikes(RedisBefore, command.Name(), key) {
			return failed(command, errReset)
		}
		err := next(ctx, command)
		if err == nil && s.plan.strikes(RedisAfter, command.Name(), key) {
			return failed(command, errReset)
		}
		return err
	}
}

// keyOf returns the first key of a call that a command is about.
func keyOf(command redis.Cmder) (string, bool) {
	for _, arg := range command.Args() {
		// The scripts of package dedupe get pointers.
		if key, ok := arg.(*string); ok && (strings.HasPrefix(*key, "aftercall:call:") || strings.HasPrefix(*key, "aftercall:known:")) {
			return *key, true
		}
	}
	return "", false
}

func failed(command redis.Cmder, err error) error {
	command.SetErr(err)
	return err
}

// expire lets the keys expire whose time has come.
func (s *redisSeam) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if passed := time.Since(s.moved); passed >= time.Second {
		s.redis.FastForward(passed)
		s.moved = time.Now()
	}
}
