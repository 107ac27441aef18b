package places

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// full returns n places that are all taken now.
func full(t *testing.T, n int) (p *Places, taken []Place) {
	t.Helper()
	p = New(n)
	for range n {
		place, err := p.Take(t.Context(), 0)
		require.NoError(t, err)
		taken = append(taken, place)
	}
	return p, taken
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := full(t, 1)
		began := time.Now()
		_, err := p.Take(t.Context(), time.Second)
		require.ErrorIs(t, err, ErrFull)
		require.Equal(t, time.Second, time.Since(began))

		_, err = p.Take(t.Context(), time.Second)
		require.ErrorIs(t, err, ErrFull)
		require.Equal(t, time.Second, time.Since(began), "the place has been kept for a second, so another one is in vain")
	})
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := full(t, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := p.Take(ctx, time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, p.waiting.Load())
	})
}

// TestFreePlaceIsTaken: however long others kept theirs, and without any patience.
func TestFreePlaceIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, taken := full(t, 2)
		<-time.After(time.Hour)
		require.True(t, p.Full(time.Minute))
		taken[0].Leave()
		require.False(t, p.Full(0))
		_, err := p.Take(t.Context(), 0)
		require.NoError(t, err)
	})
}

// TestNobodyWaitsInVain: as many wait as get their turn in time, and all others are
// sent away at once.
func TestNobodyWaitsInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, kept, patience = 64, 90 * time.Millisecond, 500 * time.Millisecond
		p, taken := full(t, n)
		<-time.After(kept)
		for _, place := range taken {
			place.Leave()
		}
		var group sync.WaitGroup
		var served, refused atomic.Int64
		began := time.Now()
		for range 5000 {
			group.Go(func() {
				place, err := p.Take(t.Context(), patience)
				if err != nil {
					require.ErrorIs(t, err, ErrFull)
					require.Equal(t, began, time.Now(), "at once")
					refused.Add(1)
					return
				}
				<-time.After(kept)
				place.Leave()
				served.Add(1)
			})
		}
		group.Wait()
		require.EqualValues(t, n*5, served.Load(), "four rounds wait, and the last is done in a fifth")
		require.EqualValues(t, 5000-n*5, refused.Load())
		require.Zero(t, p.waiting.Load())
		require.False(t, p.Full(0), "the burst is over")
	})
}

// TestWhatIsExpected: a place that is kept for longer is expected of the next ones at
// once, and one that is kept for a shorter time by and by.
func TestWhatIsExpected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(1)
		keep := func(d time.Duration) {
			place, err := p.Take(t.Context(), 0)
			require.NoError(t, err)
			<-time.After(d)
			place.Leave()
		}
		expected := func() time.Duration {
			place, err := p.Take(t.Context(), 0)
			require.NoError(t, err)
			defer func() { <-place.of.places }()
			kept := time.Duration(0)
			for p.Full(2 * (kept + time.Millisecond)) { // one that another keeps, and its own
				kept += time.Millisecond
			}
			return kept
		}
		keep(80 * time.Millisecond)
		require.Equal(t, 80*time.Millisecond, expected())
		keep(0)
		require.Equal(t, 70*time.Millisecond, expected())
		keep(800 * time.Millisecond)
		require.Equal(t, 800*time.Millisecond, expected())
		for range 100 {
			keep(8 * time.Millisecond)
		}
		require.Equal(t, 8*time.Millisecond, expected())
	})
}

// TestPlacesOpenAndClose: places open while all are needed and kept for a short time, and
// close when they are kept for long.
func TestPlacesOpenAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const least, most = 4, 16
		const quick = 100 * time.Millisecond
		p := NewAdaptive(least, most, quick)
		// keep has n take a place each for so long, and returns how many had one at once.
		keep := func(n int, d time.Duration) int64 {
			var group sync.WaitGroup
			var now, highest atomic.Int64
			for range n {
				group.Go(func() {
					place, err := p.Take(t.Context(), time.Hour)
					require.NoError(t, err)
					defer place.Leave()
					held := now.Add(1)
					defer now.Add(-1)
					for seen := highest.Load(); held > seen && !highest.CompareAndSwap(seen, held); seen = highest.Load() {
					}
					<-time.After(d)
				})
			}
			group.Wait()
			require.Zero(t, p.waiting.Load())
			require.EqualValues(t, most-p.open.Load(), len(p.places), "those that are closed")
			return highest.Load()
		}
		require.EqualValues(t, least, keep(50*most, quick), "as many as at the beginning, if they take long")
		require.EqualValues(t, most, keep(50*most, quick/2), "all, if they are quick")
		require.EqualValues(t, most, p.open.Load())
		keep(50*most, quick)
		require.EqualValues(t, least, p.open.Load())
		for range most {
			require.EqualValues(t, 1, keep(1, 0))
		}
		require.EqualValues(t, least, p.open.Load(), "none opens that is not needed")
	})
}
