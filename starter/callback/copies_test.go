package callback

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"aftercall/internal/dedupe"
)

const callID = "055662e1-bc8a-469c-a334-1126c8c17d58"

func (f *fixture) claims() float64 {
	f.t.Helper()
	families, err := f.reg.Gather()
	require.NoError(f.t, err)
	sum := 0.0
	for _, family := range families {
		if family.GetName() == "aftercall_dedupe_total" {
			for _, m := range family.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// postCopies posts n copies of a callback at once, with a Temporal that answers
// when all of them have asked Redis, and returns how many were answered with
// each status.
func (f *fixture) postCopies(n int, onStart func(start int64)) map[int]int {
	f.t.Helper()
	release := make(chan struct{})
	var starts atomic.Int64
	f.temporal.onStart = func(context.Context) {
		<-release
		onStart(starts.Add(1))
	}
	codes := make(chan int, n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { codes <- f.post(good, body).Code })
	}
	require.Eventually(f.t, func() bool { return f.claims() == float64(n) }, 30*time.Second, time.Millisecond)
	<-time.After(50 * time.Millisecond) // until they share a start; the outcome does not depend on it
	close(release)
	wg.Wait()
	close(codes)
	count := map[int]int{}
	for code := range codes {
		count[code]++
	}
	return count
}

func TestCopiesShareAStart(t *testing.T) {
	f := withMiniredis(t)
	require.Equal(t, map[int]int{200: 20}, f.postCopies(20, func(int64) {}))
	require.Less(t, f.temporal.starts, 10)
	require.Len(t, f.temporal.params, 1)
	f.requireCallbacks(`{app="clinic",outcome="started",status="200"} 1`, `{app="clinic",outcome="duplicate",status="200"} 19`)
	f.requireConflicts(0)
}

// TestFailedStartOfOneCopyFailsNoOther has the start fail that the copies share.
func TestFailedStartOfOneCopyFailsNoOther(t *testing.T) {
	f := withMiniredis(t)
	count := f.postCopies(20, func(start int64) {
		f.temporal.down = nil
		if start == 1 {
			f.temporal.down = errDown
		}
	})
	require.GreaterOrEqual(t, count[200], 19, "the one whose start failed may find that another one has confirmed the call")
	require.Len(t, f.temporal.params, 1)
	f.requireUnaccepted(0)
}

// TestConfirmedMeanwhile has another process start the workflow while the start
// of this one fails.
func TestConfirmedMeanwhile(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	f.temporal.down = errDown
	f.temporal.onStart = func(context.Context) {
		if err := m.Set(dedupe.ClaimKey(appID, callID), "done another-fingerprint"); err != nil {
			t.Error(err)
		}
	}
	f.requireOK(f.post(good, body))
	f.requireConflicts(1)
	f.requireCallbacks(`{app="clinic",outcome="duplicate",status="200"} 1`)
}

// requireUnaccepted ends the time in which calls can be accepted on another
// callback, and compares the calls of the clinic that were not, once none is
// undecided.
func (f *fixture) requireUnaccepted(n int) {
	f.t.Helper()
	u := f.handler.unaccepted
	u.mu.Lock()
	for _, timer := range u.calls {
		timer.Reset(0)
	}
	u.mu.Unlock()
	require.Eventually(f.t, func() bool { return u.size.Load() == 0 }, 30*time.Second, time.Millisecond)
	require.Eventually(f.t, func() bool { return testutil.ToFloat64(u.counter.WithLabelValues("clinic")) >= float64(n) }, 30*time.Second, time.Millisecond)
	require.InDelta(f.t, n, testutil.ToFloat64(u.counter.WithLabelValues("clinic")), 0)
}

// TestCallsThatAreNotAccepted counts calls, not answers.
func TestCallsThatAreNotAccepted(t *testing.T) {
	tests := map[string]struct {
		after func(f *fixture, m *miniredis.Miniredis)
		want  int
	}{
		"never": {
			after: func(f *fixture, _ *miniredis.Miniredis) { f.requireUnavailable(); f.requireUnavailable() },
			want:  1,
		},
		"on a later callback": {
			after: func(f *fixture, _ *miniredis.Miniredis) {
				f.temporal.down = nil
				f.requireOK(f.post(good, body))
			},
		},
		"by another process": {
			after: func(f *fixture, m *miniredis.Miniredis) {
				require.NoError(f.t, m.Set(dedupe.ClaimKey(appID, callID), "done fp"))
			},
		},
		"by another process, and Redis is down": {
			after: func(f *fixture, m *miniredis.Miniredis) {
				m.Close()
				f.temporal.mu.Lock()
				f.temporal.down = nil
				f.temporal.mu.Unlock()
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := miniredis.RunT(t)
			f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
			f.temporal.down = errDown
			require.Equal(t, http.StatusServiceUnavailable, f.post(good, body).Code)
			tt.after(f, m)
			f.requireUnaccepted(tt.want)
		})
	}
}
