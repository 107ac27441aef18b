package redisguard

import (
	"bufio"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// farRedis is a Redis at a distance, over pipes: round trips take time on a
// bubble's clock alone, so that no busy machine makes them longer.
type farRedis struct{ roundTrip time.Duration }

func newFarGuard(t *testing.T, roundTrip time.Duration) fixture {
	t.Helper()
	t.Cleanup(func() { time.Sleep(roundTrip) }) //nolint:forbidigo // the bubble's clock: the server notices that the client has closed
	return newGuard(t, "far.test:6379", MaxTimeout, farRedis{roundTrip})
}

// DialHook implements redis.Hook.
func (f farRedis) DialHook(redis.DialHook) redis.DialHook {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(f.roundTrip):
		}
		ours, theirs := net.Pipe()
		go f.serve(theirs)
		return ours, nil
	}
}

// ProcessHook implements redis.Hook.
func (farRedis) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (farRedis) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// serve answers one command after the other, until the client closes.
func (f farRedis) serve(conn net.Conn) {
	defer conn.Close()
	answers := map[string]string{"PING": "+PONG\r\n", "GET": "$-1\r\n", "SET": "+OK\r\n"}
	for r := bufio.NewReader(conn); ; {
		command, err := readCommand(r)
		if err != nil {
			return
		}
		time.Sleep(f.roundTrip) //nolint:forbidigo // the clock of the bubble
		answer, ok := answers[command]
		if !ok {
			answer = "-ERR unknown command\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// readCommand returns the name of the next command, in upper case.
func readCommand(r *bufio.Reader) (string, error) {
	words, err := readLength(r)
	var name string
	for i := 0; i < words && err == nil; i++ {
		var length int
		if length, err = readLength(r); err != nil {
			break
		}
		word := make([]byte, length+len("\r\n"))
		if _, err = io.ReadFull(r, word); i == 0 {
			name = strings.ToUpper(string(word[:length]))
		}
	}
	return name, err
}

// readLength reads a line such as *3 or $5.
func readLength(r *bufio.Reader) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// TestRedisThatIsFarAway has round trips that add up to more than the timeout
// when a connection is made.
func TestRedisThatIsFarAway(t *testing.T) {
	for _, roundTrip := range []time.Duration{60 * time.Millisecond, 150 * time.Millisecond, MaxTimeout - time.Millisecond} {
		t.Run(roundTrip.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarGuard(t, roundTrip)
				f.requireUp(t, 1)
				before := f.redis.PoolStats()
				require.EqualValues(t, serviceConnections, before.TotalConns)
				var wg sync.WaitGroup
				for range serviceConnections {
					wg.Go(func() { assert.NoError(t, f.get()) })
				}
				wg.Wait()
				require.Equal(t, before.Misses, f.redis.PoolStats().Misses, "no command had to connect")
				require.Zero(t, f.value(t, "aftercall_redis_outages_total"))
			})
		})
	}
}

func TestRedisThatIsTooFarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarGuard(t, MaxTimeout+time.Millisecond)
		f.requireUp(t, 0)
		start := time.Now()
		require.ErrorIs(t, f.get(), ErrDown)
		require.Zero(t, time.Since(start), "it costs no command any time")
	})
}

// TestBusyConnectionsAreNoOutage has more commands than connections, and
// callers who have less time than the timeout.
func TestBusyConnectionsAreNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarGuard(t, 100*time.Millisecond)
		f.requireUp(t, 1)
		var wg sync.WaitGroup
		for range 20 * serviceConnections {
			wg.Go(func() { _ = f.get() })
		}
		wg.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		require.Error(t, f.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error { return rdb.Get(ctx, "k").Err() }))
		f.requireUp(t, 1)
	})
}
