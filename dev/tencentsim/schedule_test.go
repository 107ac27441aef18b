package tencentsim

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	waitFor = time.Minute
	tick    = 5 * time.Millisecond
)

func TestLoss(t *testing.T) {
	lostOf := func(t *testing.T, share float64, seed uint64) (lost []int) {
		r := newFixture(t)
		b := r.receive(endCall, nil)
		require.NoError(t, r.sim.SetFaults(Faults{LossShare: share, LossSeed: seed}))
		for i := range 100 {
			if r.place(CallSpec{Duplicates: 1}).Lost {
				lost = append(lost, i)
			}
		}
		r.wait()
		require.Len(t, b.all(), 2*(100-len(lost)), "duplicates of a lost callback are lost too")
		stats := r.sim.Stats().Callbacks
		require.Equal(t, 100, stats.Placed)
		require.Equal(t, len(lost), stats.Lost)
		return lost
	}
	require.Empty(t, lostOf(t, 0, 1))
	require.Len(t, lostOf(t, 1, 1), 100)
	third := lostOf(t, 0.3, 1)
	require.InDelta(t, 30, len(third), 20)
	require.Equal(t, third, lostOf(t, 0.3, 1), "the same seed loses the same calls")
	require.NotEqual(t, third, lostOf(t, 0.3, 2))
}

func TestLoseOneCall(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	c := r.place(CallSpec{Lose: true, EndedAgoSeconds: 5})
	require.True(t, c.Lost)
	r.wait()
	require.Empty(t, b.all())
	require.Zero(t, r.post(pathByID, ask(c.Record.CallID)).ErrorCode, "the record exists anyway")
}

// TestCloseWaitsForCallbacks lets a callback in progress finish.
func TestCloseWaitsForCallbacks(t *testing.T) {
	r := newFixture(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	r.receive(endCall, func(_ int, w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-leave
		w.WriteHeader(http.StatusTeapot)
	})
	c := r.place(CallSpec{Duplicates: 5})
	<-inside
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.sim.Wait(ended), context.Canceled)
	closed := make(chan error, 1)
	go func() { closed <- r.sim.Close() }()
	require.Eventually(t, func() bool { return r.sim.ctx.Err() != nil }, waitFor, tick)
	require.Empty(t, closed)
	close(leave)
	require.NoError(t, <-closed)
	seen, _ := r.sim.Call(testApp, c.Record.CallID)
	require.Len(t, seen.Callbacks, 1, "the duplicates were not yet posted")
	require.Equal(t, http.StatusTeapot, seen.Callbacks[0].Status)

	_, err := r.sim.PlaceCall(CallSpec{SDKAppID: testApp})
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, r.sim.RepeatCallback(testApp, c.Record.CallID, nil), ErrClosed)
	require.NoError(t, r.sim.Close(), "twice is no error")
}

// TestManyAtOnce places, reads and configures from many goroutines, for the
// race detector, and loses nothing.
func TestManyAtOnce(t *testing.T) {
	r := newFixture(t)
	r.sim.limit = 1_000_000
	b := r.receive(endCall, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				c, err := r.sim.PlaceCall(CallSpec{SDKAppID: testApp, EndedAgoSeconds: 5, Duplicates: 1})
				if err == nil {
					r.post(pathByID, ask(c.Record.CallID))
				}
				r.sim.Stats()
				r.sim.Calls()
			}
		})
	}
	all.Wait()
	r.wait()
	require.Len(t, b.all(), 400)
	stats := r.sim.Stats()
	require.Equal(t, 200, stats.API(testApp, APIRecordByCallID).Codes[0])
	require.Equal(t, map[int]int{200: 400}, stats.Callbacks.Answers)
	require.Zero(t, stats.Callbacks.Pending)
}
