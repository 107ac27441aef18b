package tencentsim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestWindowNeverAdmitsMore compares the window with its definition: for every
// request, those admitted in the second before it.
func TestWindowNeverAdmitsMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		gaps := rapid.SliceOfN(rapid.OneOf(
			rapid.Int64Range(0, 40), rapid.Int64Range(0, 400), rapid.Int64Range(900, 1100),
		), 1, 300).Draw(t, "gaps in ms")
		var (
			w        window
			at       = time.Unix(testEpoch, 0)
			admitted []time.Time
			most     int
		)
		for _, gap := range gaps {
			at = at.Add(time.Duration(gap) * time.Millisecond)
			before := 0
			for _, earlier := range admitted {
				if at.Sub(earlier) < time.Second {
					before++
				}
			}
			ok := w.admit(at, limit)
			require.Equal(t, before < limit, ok, "neither too many nor too few")
			if ok {
				admitted = append(admitted, at)
				most = max(most, before+1)
			}
		}
		require.LessOrEqual(t, most, limit)
		require.Equal(t, most, w.max)
	})
}

func TestWindowWithAClockThatGoesBack(t *testing.T) {
	var w window
	at := time.Unix(testEpoch, 0)
	require.True(t, w.admit(at, 2))
	require.True(t, w.admit(at.Add(-time.Hour), 2))
	require.False(t, w.admit(at, 2))
	require.True(t, w.admit(at.Add(time.Second), 2))
	require.Equal(t, 2, w.max)
}
