package dedupe

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// earlier is a starter or worker of the release that had no buckets.
type earlier struct {
	t   *testing.T
	rdb *redis.Client
}

const earlierKey = "aftercall:call:1400000000:c1"

// claim returns what such a starter reads: "claim" is held, "done" is known.
func (e earlier) claim(fingerprint string) (state, first string) {
	e.t.Helper()
	found, err := e.rdb.Do(e.t.Context(), "SET", earlierKey, "claim "+fingerprint, "PX", 10_000, "NX", "GET").Text()
	if !errors.Is(err, redis.Nil) {
		require.NoError(e.t, err)
	}
	state, first, _ = strings.Cut(found, " ")
	return state, first
}

func (e earlier) confirm(fingerprint string) {
	e.t.Helper()
	require.NoError(e.t, e.rdb.Set(e.t.Context(), earlierKey, "done "+fingerprint, 8*24*time.Hour).Err())
}

// TestTwoReleasesShareARedis has starters of the release without buckets and of this one
// get the callbacks of a call.
func TestTwoReleasesShareARedis(t *testing.T) {
	tests := map[string]func(t *testing.T, s *Store, e earlier){
		"the earlier one starts it": func(t *testing.T, s *Store, e earlier) {
			state, _ := e.claim(fp1)
			require.Empty(t, state)
			c := s.Claim(t.Context(), app, "c1", fp2)
			require.Equal(t, Held, c.Outcome)
			require.Equal(t, fp1, c.Fingerprint)
			_, confirmed := s.Confirmed(t.Context(), c)
			require.False(t, confirmed)
			e.confirm(fp1)
			first, confirmed := s.Confirmed(t.Context(), c)
			require.True(t, confirmed)
			require.Equal(t, fp1, first)
			c = s.Claim(t.Context(), app, "c1", fp2)
			require.Equal(t, Known, c.Outcome)
			require.Equal(t, fp1, c.Fingerprint, "so that a conflict is noticed, and no other")
			found, err := Lookup(t.Context(), e.rdb, time.Now(), app, "c1")
			require.NoError(t, err)
			require.True(t, found.Started)
			require.NoError(t, Forget(t.Context(), s.guard, time.Now(), app, "c1"))
			state, _ = e.claim(fp1)
			require.Empty(t, state, "forgotten for it too")
		},
		"this one starts it": func(t *testing.T, s *Store, e earlier) {
			c := s.Claim(t.Context(), app, "c1", fp1)
			require.Equal(t, Claimed, c.Outcome)
			for range 2 {
				state, first := e.claim(fp1)
				require.Equal(t, "claim", state, "Temporal is asked")
				require.Equal(t, fp1, first)
				s.Confirm(t.Context(), c, fp1)
			}
			require.NoError(t, e.rdb.Del(t.Context(), earlierKey).Err()) // the claim expires
			state, _ := e.claim(fp2)
			require.Empty(t, state, "Temporal is asked, and which callback was the first")
			known := s.Claim(t.Context(), app, "c1", fp2)
			require.Equal(t, Known, known.Outcome)
			require.Equal(t, fp1, known.Fingerprint, "not that of the claim")
			e.confirm(fp1)
			require.Equal(t, Known, s.Claim(t.Context(), app, "c1", fp2).Outcome)
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onEveryRedis(t, func(t *testing.T, url string) {
				s, rdb := newStore(t, url)
				test(t, s, earlier{t, rdb})
			})
		})
	}
}
