package callback

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

// TestCallsOverTheLimit: whoever knows the URL starts no more workflows than the
// limit permits, and duplicates cost none of it.
func TestCallsOverTheLimit(t *testing.T) {
	m := miniredis.RunT(t)
	limit := &tokens{n: 2}
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) { h.limits.Calls = limit })
	call := func(id string) string { return strings.ReplaceAll(body, "055662e1-bc8a-469c-a334-1126c8c17d58", id) }
	f.requireOK(f.post(good, call("1")))
	for range 5 {
		f.requireOK(f.post(good, call("1")))
	}
	f.requireOK(f.post(good, call("2")))
	for range 3 {
		w := f.post(good, call("3"))
		require.Equal(t, http.StatusTooManyRequests, w.Code)
		require.JSONEq(t, `{"ActionStatus":"FAIL","ErrorInfo":"too many calls end at once: send the callback again later","ErrorCode":1}`, w.Body.String())
	}
	require.Equal(t, 2, f.temporal.starts)
	f.requireOK(f.post(good, call("2")))
	limit.n = 1
	f.requireOK(f.post(good, call("3")))
	f.requireCallbacks(
		`{app="clinic",outcome="started",status="200"} 3`, `{app="clinic",outcome="duplicate",status="200"} 6`, `{app="clinic",outcome="throttled",status="429"} 3`)
	f.requireMetric("aftercall_calls_unaccepted_total", `{app="bank"} 0`, `{app="clinic"} 0`, `{app="school"} 0`)
}

func TestRelaysOverTheLimit(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) { h.limits.Relays = &tokens{n: 1} })
	f.requireOK(f.post(relayURL(startCmd), started))
	require.Equal(t, http.StatusTooManyRequests, f.post(relayURL(startCmd), started).Code)
	f.requireOK(f.post(relayURL(relayEnd), body)) // its call is accepted all the same
	require.Len(t, f.temporal.relayed(), 1)
	f.requireMetric("aftercall_relays_total", `{app="bank",outcome="started"} 1`, `{app="bank",outcome="throttled"} 2`)
}

// TestADuplicateCostsNoTokenAndOneRoundTrip: Redis is asked once for it.
func TestADuplicateCostsNoTokenAndOneRoundTrip(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) { h.limits.Calls = &tokens{n: 1} })
	f.requireOK(f.post(good, body))
	before := f.redisCommands()
	f.requireOK(f.post(good, body))
	require.Equal(t, before+1, f.redisCommands())
}

// redisCommands is how many commands were sent to Redis.
func (f *fixture) redisCommands() uint64 {
	f.t.Helper()
	families, err := f.reg.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		if family.GetName() == "aftercall_redis_duration_seconds" {
			return family.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	require.Fail(f.t, "no metric")
	return 0
}

// TestStartsOfABurst: when as many starts wait for Temporal as it needs to be busy,
// another one does not ask it too, and is answered while the sender still listens. Other
// apps do not wait.
func TestStartsOfABurst(t *testing.T) {
	m := miniredis.RunT(t)
	f := newFixture(t, "redis://"+m.Addr(), m.FlushAll)
	starting := f.handler.starting[appID].places
	for range maxStarts {
		starting <- struct{}{}
	}
	f.requireOK(f.post(relayURL(relayEnd), body))
	require.Equal(t, http.StatusServiceUnavailable, f.post(good, body).Code)
	require.Equal(t, 1, f.temporal.starts)
	answered := make(chan *httptest.ResponseRecorder)
	go func() {
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, good, strings.NewReader(body)))
		answered <- w
	}()
	<-starting // one has ended
	f.requireOK(<-answered)
	require.Len(t, starting, maxStarts-1, "it has made room, too")
	require.Equal(t, 2, f.temporal.starts)
}

// TestBeginLeavesTimeForTheStart: who waits for the others gives up at half of the time.
func TestBeginLeavesTimeForTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &starting{places: make(chan struct{}, 1)}
		full.places <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := full.begin(ctx)
		require.ErrorIs(t, err, errBusy)
		require.Equal(t, 500*time.Millisecond, time.Since(began))
	})
}

// TestNobodyWaitsInVain: as many wait as can be started in time, and all others are
// answered at once.
func TestNobodyWaitsInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = 90 * time.Millisecond
		s := newStarting()
		for range 100 { // earlier starts
			end, err := s.begin(t.Context())
			require.NoError(t, err)
			<-time.After(took)
			end()
		}
		var group sync.WaitGroup
		var started, refused atomic.Int64
		began := time.Now()
		for range 5000 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				end, err := s.begin(ctx)
				if err != nil {
					require.ErrorIs(t, err, errBusy)
					require.Equal(t, began, time.Now(), "at once")
					refused.Add(1)
					return
				}
				<-time.After(took)
				end()
				require.NoError(t, ctx.Err())
				started.Add(1)
			})
		}
		group.Wait()
		require.EqualValues(t, maxStarts*6, started.Load(), "five rounds wait, which is half of the time")
		require.EqualValues(t, 5000-maxStarts*6, refused.Load())
		require.Zero(t, s.waiting.Load())

		_, err := s.begin(t.Context())
		require.NoError(t, err, "the burst is over")
	})
}
