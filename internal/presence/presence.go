// Package presence is what starters and workers say of themselves through Redis: that
// they are alive, and how far their clock is off. People who look from another machine
// see it there, also behind a load balancer. All times are those of Redis.
package presence

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

const (
	// Interval is how often a process reports.
	Interval = 5 * time.Second
	// alive is how long a report counts: several intervals, and an outage of Redis.
	alive = 20 * time.Second
	// remembered is how long a process that does not report any more is still known.
	remembered = time.Hour
)

// Role is what a process does.
type Role string

// The roles.
const (
	Starter Role = "starter"
	Worker  Role = "worker"
)

// knownKey is a sorted set of the processes of a role by the time of their last report.
func (r Role) knownKey() string { return redisguard.KeyPrefix + string(r) + "s" }

// reportKey exists as long as the report of a process counts. Its value is how many
// milliseconds its clock is ahead.
func (r Role) reportKey(process string) string {
	return redisguard.KeyPrefix + string(r) + ":" + process
}

// hostSeparator is between the host and the rest of the name of a process.
const hostSeparator = "/"

// newProcess names this process.
func newProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + hostSeparator + uuid.NewString()
}

// hostOf is the host in the name of a process, empty for one of an earlier release.
func hostOf(process string) string {
	i := strings.LastIndex(process, hostSeparator)
	return process[:max(i, 0)]
}

// Reporter reports for this process.
type Reporter struct {
	guard   *redisguard.Guard
	role    Role
	process string
	// ahead returns how far the clock of this process is ahead of the others.
	ahead   func() time.Duration
	answers *answerCounter
}

// NewReporter returns the Reporter of this process. ahead is how far its clock is ahead
// of the others. totals is how it has answered callbacks since it started, nil if it
// answers none.
func NewReporter(guard *redisguard.Guard, role Role, ahead func() time.Duration, totals func() map[Answer]int64) *Reporter {
	if totals == nil {
		totals = func() map[Answer]int64 { return nil }
	}
	return &Reporter{
		guard: guard, role: role, process: newProcess(), ahead: ahead,
		answers: &answerCounter{totals: totals, reported: map[Answer]int64{}},
	}
}

// Run reports until ctx ends, and then that the process has ended.
func (r *Reporter) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for {
		r.report(ctx)
		select {
		case <-ctx.Done():
			r.leave(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
		}
	}
}

// report writes what has changed. Without Redis, the next report has it.
func (r *Reporter) report(ctx context.Context) {
	totals, ahead := r.answers.totals(), r.ahead().Milliseconds()
	err := r.guard.DoRoundTrips(ctx, 2, func(ctx context.Context, rdb redis.UniversalClient) error {
		now, err := rdb.Time(ctx).Result()
		if err != nil {
			return err
		}
		_, err = rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			known := r.role.knownKey()
			tx.Set(ctx, r.role.reportKey(r.process), ahead, alive)
			tx.ZAdd(ctx, known, redis.Z{Score: float64(now.Unix()), Member: r.process})
			tx.ZRemRangeByScore(ctx, known, "-inf", strconv.FormatInt(now.Add(-remembered).Unix(), 10))
			tx.Expire(ctx, known, remembered)
			r.answers.write(ctx, tx, now, totals)
			return nil
		})
		return err
	})
	if err == nil {
		r.answers.reported = totals
	}
}

func (r *Reporter) leave(ctx context.Context) {
	// If this fails, the report expires by itself.
	_ = r.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.Del(ctx, r.role.reportKey(r.process))
			tx.ZRem(ctx, r.role.knownKey(), r.process)
			return nil
		})
		return err
	})
}

// Process is what one has reported.
type Process struct {
	Role Role
	Host string
	// Ahead is how far its clock is ahead of the others.
	Ahead time.Duration
	// SilentSince is when it reported last, if it is not alive and has not said that it
	// ended; otherwise it is zero.
	SilentSince time.Time
}

// Alive reports whether the process reports.
func (p Process) Alive() bool { return p.SilentSince.IsZero() }

// Name says which process it is, as in "worker on host-1".
func (p Process) Name() string {
	return string(p.Role) + " on " + cmp.Or(p.Host, "an unknown host")
}

// Processes are those of a role that are alive or have become silent, the one that
// reported last at the end.
func Processes(ctx context.Context, guard *redisguard.Guard, role Role) (all []Process, err error) {
	err = guard.DoRoundTrips(ctx, 2, func(ctx context.Context, rdb redis.UniversalClient) error {
		all = nil
		known, err := rdb.ZRangeWithScores(ctx, role.knownKey(), 0, -1).Result()
		if err != nil || len(known) == 0 {
			return err
		}
		names, keys := make([]string, len(known)), make([]string, len(known))
		for i, z := range known {
			names[i], _ = z.Member.(string)
			keys[i] = role.reportKey(names[i])
		}
		reports, err := rdb.MGet(ctx, keys...).Result()
		if err != nil {
			return err
		}
		for i, report := range reports {
			p := Process{Role: role, Host: hostOf(names[i])}
			if text, ok := report.(string); ok {
				ahead, _ := strconv.ParseInt(text, 10, 64) // 0 for what a later release may write
				p.Ahead = time.Duration(ahead) * time.Millisecond
			} else {
				p.SilentSince = time.Unix(int64(known[i].Score), 0).UTC()
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}
