package tencentsim

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	waitFor = 20 * time.Second
	tick    = 5 * time.Millisecond
)

func TestLoss(t *testing.T) {
	lostOf := func(t *testing.T, share float64, seed uint64) (lost []int) {
		r := newRig(t)
		b := r.receive(endCall, nil)
		require.NoError(t, r.sim.SetFaults(Faults{LossShare: share, LossSeed: seed}))
		for i := range 100 {
			if r.place(CallSpec{Duplicates: 1}).Lost {
				lost = append(lost, i)
			}
		}
		r.wait()
		require.Len(t, b.all(), 2*(100-len(lost)), "a lost callback is lost with its duplicates")
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
	r := newRig(t)
	b := r.receive(endCall, nil)
	c := r.place(CallSpec{Lose: true, EndedAgoSeconds: 5})
	require.True(t, c.Lost)
	r.wait()
	require.Empty(t, b.all())
	require.Zero(t, r.post(pathByID, ask(c.Record.CallID)).ErrorCode, "the record is there all the same")
}

// arrived returns the CallIds of the callbacks in the order of their arrival.
func arrived(t *testing.T, b *backend) []string {
	t.Helper()
	var ids []string
	for _, c := range b.all() {
		var id string
		_, err := fmt.Sscanf(c.body, `{"CallbackCommand":"Call.CallbackAfterEndCall","CallRecord":{"CallId":"c%3s`, &id)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

func TestReorder(t *testing.T) {
	r := newRig(t)
	b := r.receive(endCall, nil)
	require.NoError(t, r.sim.SetFaults(Faults{ReorderBatch: 20, ReorderHoldMS: 3_600_000}))
	var order []string
	for i := range 20 {
		require.Empty(t, b.all(), "held until the batch is full")
		r.place(CallSpec{CallID: fmt.Sprintf("c%03d", i)})
		order = append(order, fmt.Sprintf("%03d", i))
	}
	r.wait()
	got := arrived(t, b)
	require.ElementsMatch(t, order, got)
	require.NotEqual(t, order, got)
}

func TestReorderHoldsNotForEver(t *testing.T) {
	t.Run("until the time is over", func(t *testing.T) {
		r := newRig(t)
		b := r.receive(endCall, nil)
		require.NoError(t, r.sim.SetFaults(Faults{ReorderBatch: 20, ReorderHoldMS: 1}))
		r.place(CallSpec{})
		r.wait()
		require.Len(t, b.all(), 1)
	})
	t.Run("until it is switched off", func(t *testing.T) {
		r := newRig(t)
		b := r.receive(endCall, nil)
		require.NoError(t, r.sim.SetFaults(Faults{ReorderBatch: 20, ReorderHoldMS: 3_600_000}))
		r.place(CallSpec{})
		r.place(CallSpec{})
		require.Equal(t, 2, r.sim.Stats().Callbacks.Pending)
		require.NoError(t, r.sim.ClearFaults())
		r.wait()
		require.Len(t, b.all(), 2)
	})
	t.Run("until the end", func(t *testing.T) {
		r := newRig(t)
		b := r.receive(endCall, nil)
		require.NoError(t, r.sim.SetFaults(Faults{ReorderBatch: 20, ReorderHoldMS: 3_600_000}))
		r.place(CallSpec{})
		require.NoError(t, r.sim.Close())
		r.wait()
		require.Empty(t, b.all())
	})
}

func TestDelay(t *testing.T) {
	r := newRig(t)
	b := r.receive(endCall, nil)
	slow := r.place(CallSpec{CallID: "c001", CallbackDelayMS: 3_600_000})
	r.place(CallSpec{CallID: "c002", CallbackDelayMS: 1})
	require.Eventually(t, func() bool { return len(b.all()) == 1 }, waitFor, tick)
	require.Equal(t, []string{"002"}, arrived(t, b))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.sim.Wait(ctx), context.Canceled)
	require.NoError(t, r.sim.Close(), "Close drops what is not yet posted")
	r.wait()
	seen, _ := r.sim.Call(testApp, slow.Record.CallID)
	require.Empty(t, seen.Deliveries)
}

// TestCloseWaitsForDeliveries lets a callback under way finish.
func TestCloseWaitsForDeliveries(t *testing.T) {
	r := newRig(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	r.receive(endCall, func(_ int, w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-leave
		w.WriteHeader(http.StatusTeapot)
	})
	c := r.place(CallSpec{Duplicates: 5})
	<-inside
	closed := make(chan error, 1)
	go func() { closed <- r.sim.Close() }()
	require.Eventually(t, func() bool { return r.sim.ctx.Err() != nil }, waitFor, tick)
	require.Empty(t, closed)
	close(leave)
	require.NoError(t, <-closed)
	seen, _ := r.sim.Call(testApp, c.Record.CallID)
	require.Len(t, seen.Deliveries, 1, "the duplicates were not yet posted")
	require.Equal(t, http.StatusTeapot, seen.Deliveries[0].Status)

	_, err := r.sim.PlaceCall(CallSpec{SDKAppID: testApp})
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, r.sim.Redeliver(testApp, c.Record.CallID, nil), ErrClosed)
	require.NoError(t, r.sim.Close(), "twice is no error")
}

// TestManyAtOnce places, reads and configures from many goroutines, for the
// race detector, and loses nothing.
func TestManyAtOnce(t *testing.T) {
	r := newRig(t, func(o *Options) { o.RequestsPerSecond = 1_000_000 })
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
