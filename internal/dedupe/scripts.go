package dedupe

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// find looks for the field ARGV[1] in the buckets, whose keys come after the claim's.
const find = `
local found, key = false, KEYS[1]
for i = 2, #KEYS do
  local fingerprint = redis.call('HGET', KEYS[i], ARGV[1])
  if fingerprint then
    found, key = 'known ' .. fingerprint, KEYS[i]
    break
  end
end
`

var (
	// claimScript claims for claimTTL.
	claimScript = newScript(find + `return found or redis.call('SET', key, ARGV[2], 'PX', 10000, 'NX', 'GET')`)
	// lookScript also returns after how many ms Redis forgets what it found.
	lookScript = newScript(find + `return {found or redis.call('GET', key) or '', redis.call('PTTL', key)}`)
	// rememberScript sets the expiry of a new bucket in the same step, so that none stays.
	rememberScript = newScript(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('EXPIRE', KEYS[1], ARGV[3], 'NX')
`)
	forgetScript = newScript(`
for i = 2, #KEYS do redis.call('HDEL', KEYS[i], ARGV[1]) end
return redis.call('DEL', KEYS[1])
`)
)

type script struct{ source, hash string }

func newScript(source string) *script { return &script{source, redis.NewScript(source).Hash()} }

// client is a connection to Redis, or a pipeline.
type client interface {
	Do(ctx context.Context, args ...any) *redis.Cmd
}

// run runs the script, which Redis gets when it does not have it. Every callback does
// that, so strings are passed as pointers: a string in an any is allocated.
func (s *script) run(ctx context.Context, rdb client, keys []string, args ...string) *redis.Cmd {
	command := make([]any, 0, 3+len(keys)+len(args))
	command = append(command, "EVALSHA", &s.hash, len(keys))
	for i := range keys {
		command = append(command, &keys[i])
	}
	for i := range args {
		command = append(command, &args[i])
	}
	cmd := rdb.Do(ctx, command...)
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		command[0], command[1] = "EVAL", &s.source
		cmd = rdb.Do(ctx, command...)
	}
	return cmd
}
