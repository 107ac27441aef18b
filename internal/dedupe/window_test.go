package dedupe

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

// TestWindow lets time pass for the process and for Redis, in steps of ten minutes.
func TestWindow(t *testing.T) {
	for _, window := range []time.Duration{MinWindow, DefaultWindow, 25 * time.Hour, MaxWindow} {
		t.Run(window.String(), func(t *testing.T) {
			for _, into := range []time.Duration{0, time.Second, Period / 2, Period - time.Second} {
				m := miniredis.RunT(t)
				s, rdb := newStore(t, "redis://"+m.Addr())
				confirmed := time.Unix(0, 0).Add(100_000*Period + into)
				now := confirmed
				s.window, s.now = window, func() time.Time { return now }
				s.Confirm(t.Context(), s.Claim(t.Context(), app, "c1", fp1), fp1)
				const step = 10 * time.Minute
				known := true
				for ; known; now = now.Add(step) {
					m.FastForward(step)
					state, err := Lookup(t.Context(), rdb, now.Add(step), app, "c1")
					require.NoError(t, err)
					fingerprint, confirmed := s.Confirmed(t.Context(), Claim{place: placeOf(now.Add(step), window, app, "c1")})
					require.Equal(t, state.Started, confirmed, "nothing is kept that is not found")
					if known = confirmed; known {
						require.Equal(t, fp1, fingerprint)
					}
				}
				remembered := now.Sub(confirmed)
				require.GreaterOrEqual(t, remembered, window)
				require.LessOrEqual(t, remembered, window+Period+step)
				require.Empty(t, m.Keys())
			}
		})
	}
}

// TestTheWindowChanges restarts a starter with another window, and lets the worker and a
// command, which do not know it, find the call.
func TestTheWindowChanges(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, url string) {
		s, rdb := newStore(t, url)
		now := time.Now()
		s.now = func() time.Time { return now }
		s.window = MaxWindow
		s.Confirm(t.Context(), s.Claim(t.Context(), app, "c1", fp1), fp1)
		s.window = MinWindow
		require.Equal(t, Known, s.Claim(t.Context(), app, "c1", fp2).Outcome)

		now = now.Add(2 * Period)
		require.Equal(t, Held, s.Claim(t.Context(), app, "c1", fp2).Outcome, "Temporal knows it; the claim is from before")
		state, err := Lookup(t.Context(), rdb, now, app, "c1")
		require.NoError(t, err)
		require.True(t, state.Started)
		require.NoError(t, Forget(t.Context(), s.guard, now, app, "c1"))
		s.window = MaxWindow
		require.Equal(t, Claimed, s.Claim(t.Context(), app, "c1", fp2).Outcome)
	})
}

// TestClocksOfStartersDiffer has two starters in different periods.
func TestClocksOfStartersDiffer(t *testing.T) {
	s, _ := newStore(t, "redis://"+miniredis.RunT(t).Addr())
	start := time.Unix(0, 0).Add(100_000 * Period)
	ahead, behind := *s, *s
	ahead.now = func() time.Time { return start.Add(time.Minute) }
	behind.now = func() time.Time { return start.Add(-time.Minute) }
	behind.Confirm(t.Context(), behind.Claim(t.Context(), app, "c1", fp1), fp1)
	require.Equal(t, Known, ahead.Claim(t.Context(), app, "c1", fp1).Outcome)
	ahead.Confirm(t.Context(), ahead.Claim(t.Context(), app, "c2", fp1), fp1)
	require.Equal(t, Held, behind.Claim(t.Context(), app, "c2", fp1).Outcome, "Temporal decides")
	behind.Confirm(t.Context(), behind.Claim(t.Context(), app, "c2", fp1), fp1)
	require.Equal(t, Known, behind.Claim(t.Context(), app, "c2", fp1).Outcome)
	require.NoError(t, Forget(t.Context(), s.guard, behind.now(), app, "c2"))
	require.NotEqual(t, Known, ahead.Claim(t.Context(), app, "c2", fp1).Outcome, "forgotten in the future too")
	require.NotEqual(t, Known, behind.Claim(t.Context(), app, "c2", fp1).Outcome)
}

func TestAllocations(t *testing.T) {
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	s, _ := newStore(t, r.URL())
	s.Confirm(t.Context(), s.Claim(t.Context(), app, "c1", fp1), fp1)
	now := time.Now()
	testenv.RequireAllocations(t, map[string]func(){
		"place of a call": func() { placeOf(now, DefaultWindow, app, "055662e1-bc8a-469c-a334-1126c8c17d58") },
		"Claim of a call that is known": func() {
			if s.Claim(t.Context(), app, "c1", fp1).Outcome != Known {
				t.Fatal("not known")
			}
		},
	})
}
