package callback

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"aftercall/internal/places"
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
	var logs bytes.Buffer
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) {
		h.logger = slog.New(slog.NewTextHandler(&logs, nil))
		h.refusals.logger = h.logger
	})
	starting := f.handler.starting[appID]
	var taken places.Place
	fill := func() (n int) {
		for ; !starting.Full(0); n++ {
			var err error
			taken, err = starting.Take(t.Context(), 0)
			require.NoError(t, err)
		}
		return n
	}
	require.Equal(t, minStarts, fill())
	f.requireOK(f.post(relayURL(relayEnd), body))
	answered := make(chan *httptest.ResponseRecorder)
	go func() {
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, good, strings.NewReader(body)))
		answered <- w
	}()
	require.Eventually(t, func() bool { return f.redisCommands() == 3 }, 10*time.Second, time.Millisecond, "it has claimed the call, and waits")
	require.Equal(t, 1, f.temporal.starts)
	taken.Leave()
	f.requireOK(<-answered)
	require.Equal(t, 2, f.temporal.starts)

	require.NotZero(t, fill(), "it has made room, too")
	f.handler.limits.Answer = time.Second
	for n := range 2 * refusalBurst { // the first waits for half of the time, the others do not
		id := strings.ReplaceAll(body, "055662e1-bc8a-469c-a334-1126c8c17d58", strconv.Itoa(n))
		require.Equal(t, http.StatusServiceUnavailable, f.post(good, id).Code)
	}
	require.Equal(t, 2, f.temporal.starts)
	require.EqualValues(t, 2*refusalBurst, f.handler.unaccepted.size.Load(), "all are watched")
	require.Equal(t, 1, strings.Count(logs.String(), "the workflow could not be started"), &logs)
	require.Equal(t, refusalBurst, strings.Count(logs.String(), "callback refused"), "the log is not flooded")
	f.requireOK(f.post(good, body))
}
