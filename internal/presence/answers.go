package presence

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aftercall/internal/redisguard"
)

const (
	// period is the time that one counter covers, and kept how long it exists.
	period = time.Minute
	kept   = time.Hour
)

// answersKey is where Redis keeps the counters of the minute of at: a hash.
func answersKey(at time.Time) string {
	return redisguard.KeyPrefix + "answers:" + strconv.FormatInt(at.Unix()/int64(period.Seconds()), 10)
}

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

// answerCounter reports how a process answers callbacks.
type answerCounter struct {
	// totals returns how callbacks were answered since the start of the process.
	totals   func() map[Answer]int64
	reported map[Answer]int64
}

// write adds what was not reported yet to the minute of now.
func (c *answerCounter) write(ctx context.Context, tx redis.Pipeliner, now time.Time, totals map[Answer]int64) {
	key := answersKey(now)
	for answer, total := range totals {
		if more := total - c.reported[answer]; more > 0 {
			tx.HIncrBy(ctx, key, answer.field(), more)
			tx.Expire(ctx, key, kept)
		}
	}
}

// Answers says how all starters answered in each of the last minutes, the current one
// at the end.
func Answers(ctx context.Context, guard *redisguard.Guard, minutes int) (all []map[Answer]int64, err error) {
	err = guard.DoRoundTrips(ctx, 2, func(ctx context.Context, rdb redis.UniversalClient) error {
		now, err := rdb.Time(ctx).Result()
		if err != nil {
			return err
		}
		counters := make([]*redis.MapStringStringCmd, minutes)
		if _, err := rdb.Pipelined(ctx, func(tx redis.Pipeliner) error {
			for i := range counters {
				counters[i] = tx.HGetAll(ctx, answersKey(now.Add(time.Duration(i+1-minutes)*period)))
			}
			return nil
		}); err != nil {
			return err
		}
		all = make([]map[Answer]int64, minutes)
		for i, counter := range counters {
			all[i] = map[Answer]int64{}
			for field, text := range counter.Val() {
				count, err := strconv.ParseInt(text, 10, 64)
				if answer, ok := parseAnswer(field); ok && err == nil {
					all[i][answer] += count
				}
			}
		}
		return nil
	})
	return all, err
}
