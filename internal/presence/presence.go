// Package presence is what the starters say of themselves through Redis: that they
// are alive, and how they answered lately. People who look from another machine
// see it there, also behind a load balancer.
package presence

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

const (
	// Interval is how often a starter reports.
	Interval = 5 * time.Second
	// alive is how long a report counts: several intervals, and an outage of Redis.
	alive = 20 * time.Second
	// remembered is how long a starter that does not report any more is still known.
	remembered = time.Hour
	// period is the time that one counter covers, and kept how long it exists.
	period = time.Minute
	kept   = time.Hour
)

const (
	// startersKey is a sorted set of the starters by the time of their last report.
	startersKey = redisguard.KeyPrefix + "starters"
	// aliveKey is followed by a starter: it exists as long as its report counts.
	aliveKey = redisguard.KeyPrefix + "starter:"
	// answersKey is followed by a minute since 1970: a hash of counters.
	answersKey = redisguard.KeyPrefix + "answers:"
)

// Answer is how a callback was answered.
type Answer struct {
	// App is empty where it is not known.
	App     string
	Outcome string
	Status  int
}

func (a Answer) field() string { return a.App + "|" + a.Outcome + "|" + strconv.Itoa(a.Status) }

func parseAnswer(field string) (a Answer, ok bool) {
	parts := strings.Split(field, "|")
	if len(parts) != 3 {
		return a, false
	}
	status, err := strconv.Atoi(parts[2])
	return Answer{parts[0], parts[1], status}, err == nil
}

// Starter reports for one process.
type Starter struct {
	guard   *redisguard.Guard
	process string
	// totals returns how callbacks were answered since the start of the process.
	totals   func() map[Answer]int64
	reported map[Answer]int64
	now      func() time.Time
}

// NewStarter returns the Starter of this process.
func NewStarter(guard *redisguard.Guard, totals func() map[Answer]int64) *Starter {
	return &Starter{guard: guard, process: uuid.NewString(), totals: totals, reported: map[Answer]int64{}, now: time.Now}
}

// Run reports until ctx ends, and then that the process has ended.
func (s *Starter) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for {
		s.report(ctx)
		select {
		case <-ctx.Done():
			s.leave(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
		}
	}
}

// report writes what has changed. Without Redis, the next report has it.
func (s *Starter) report(ctx context.Context) {
	totals, now := s.totals(), s.now()
	minute := answersKey + strconv.FormatInt(now.Unix()/int64(period.Seconds()), 10)
	err := s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.Set(ctx, aliveKey+s.process, "1", alive)
			tx.ZAdd(ctx, startersKey, redis.Z{Score: float64(now.Unix()), Member: s.process})
			tx.ZRemRangeByScore(ctx, startersKey, "-inf", strconv.FormatInt(now.Add(-remembered).Unix(), 10))
			tx.Expire(ctx, startersKey, remembered)
			for answer, total := range totals {
				if more := total - s.reported[answer]; more > 0 {
					tx.HIncrBy(ctx, minute, answer.field(), more)
					tx.Expire(ctx, minute, kept)
				}
			}
			return nil
		})
		return err
	})
	if err == nil {
		s.reported = totals
	}
}

func (s *Starter) leave(ctx context.Context) {
	// If this fails, the report expires by itself.
	_ = s.guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.Del(ctx, aliveKey+s.process)
			tx.ZRem(ctx, startersKey, s.process)
			return nil
		})
		return err
	})
}

// Starters says how many starters are alive, and when each reported last that is
// not and has not said that it ended.
func Starters(ctx context.Context, guard *redisguard.Guard) (living int, silentSince []time.Time, err error) {
	err = guard.DoRoundTrips(ctx, 2, func(ctx context.Context, rdb redis.UniversalClient) error {
		living, silentSince = 0, nil
		known, err := rdb.ZRangeWithScores(ctx, startersKey, 0, -1).Result()
		if err != nil || len(known) == 0 {
			return err
		}
		keys := make([]string, len(known))
		for i, z := range known {
			keys[i] = aliveKey + z.Member.(string)
		}
		reports, err := rdb.MGet(ctx, keys...).Result()
		if err != nil {
			return err
		}
		for i, report := range reports {
			if report != nil {
				living++
			} else {
				silentSince = append(silentSince, time.Unix(int64(known[i].Score), 0).UTC())
			}
		}
		return nil
	})
	return living, silentSince, err
}

// Answers adds up how all starters answered in the time before now.
func Answers(ctx context.Context, guard *redisguard.Guard, now time.Time, last time.Duration) (map[Answer]int64, error) {
	sums := map[Answer]int64{}
	err := guard.Do(ctx, func(ctx context.Context, rdb redis.UniversalClient) error {
		clear(sums)
		var minutes []*redis.MapStringStringCmd
		_, err := rdb.Pipelined(ctx, func(tx redis.Pipeliner) error {
			for at := now.Add(-last); !at.After(now); at = at.Add(period) {
				minutes = append(minutes, tx.HGetAll(ctx, answersKey+strconv.FormatInt(at.Unix()/int64(period.Seconds()), 10)))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, minute := range minutes {
			for field, text := range minute.Val() {
				count, err := strconv.ParseInt(text, 10, 64)
				if answer, ok := parseAnswer(field); ok && err == nil {
					sums[answer] += count
				}
			}
		}
		return nil
	})
	return sums, err
}
