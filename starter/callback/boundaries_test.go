package callback

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

func newUnacceptedTest(t *testing.T) *unaccepted {
	t.Helper()
	u := newUnaccepted(prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"app"}), slog.New(slog.DiscardHandler))
	t.Cleanup(u.stop)
	return u
}

func never(context.Context) bool { return false }

// TestUnacceptedCallsAreBounded: what memory has no room for is counted at once.
func TestUnacceptedCallsAreBounded(t *testing.T) {
	t.Parallel()
	u := newUnacceptedTest(t)
	for i := range maxUnaccepted {
		u.rejected(t.Context(), "clinic", "c", fmt.Sprint(i), never)
	}
	require.Zero(t, testutil.ToFloat64(u.counter.WithLabelValues("clinic")))
	require.EqualValues(t, maxUnaccepted, u.size.Load())
	u.rejected(t.Context(), "clinic", "c", "one more", never)
	require.InDelta(t, 1, testutil.ToFloat64(u.counter.WithLabelValues("clinic")), 0)
	require.EqualValues(t, maxUnaccepted, u.size.Load())
}

func TestAcceptedCallIsForgotten(t *testing.T) {
	t.Parallel()
	u := newUnacceptedTest(t)
	u.rejected(t.Context(), "clinic", "c", "key", never)
	u.accepted("another key")
	require.EqualValues(t, 1, u.size.Load())
	u.accepted("key")
	require.Zero(t, u.size.Load())
}

// TestBodyOfTheLargestSize is read, and one byte more is not.
func TestBodyOfTheLargestSize(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(good, body+strings.Repeat(" ", maxBodySize-len(body))))
	require.Equal(t, http.StatusRequestEntityTooLarge, f.post(good, body+strings.Repeat(" ", maxBodySize-len(body)+1)).Code)
}

// TestLogOfOrdinaryCallbacks: nothing is reported as failed that has not failed,
// not even for whoever debugs.
func TestLogOfOrdinaryCallbacks(t *testing.T) {
	var logs bytes.Buffer
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) {
		h.logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	f.requireOK(f.post(good, body))
	f.requireOK(f.post(good, other))
	f.flush()
	f.requireOK(f.post(good, body))
	srv := httptest.NewServer(f.handler) // with connections that take deadlines
	resp, err := srv.Client().Post(srv.URL+PathPrefix+"guess", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	srv.Close()
	require.Contains(t, logs.String(), "call accepted")
	for _, failure := range []string{"could not", "has no deadline"} {
		require.NotContains(t, logs.String(), failure)
	}

	f.temporal.down = errDown
	f.requireOK(f.post(good, other))
	require.Contains(t, logs.String(), "could not make its call look for the record again")
}

// TestStartLeavesTimeToConfirm: the start and a probe end before the answer has to.
func TestStartLeavesTimeToConfirm(t *testing.T) {
	f := withMiniredis(t)
	var got time.Time
	f.temporal.onStart = func(ctx context.Context) { got, _ = ctx.Deadline() }
	cb, err := tencent.DecodeCallback(tencent.ParseQuery(endQuery), []byte(body))
	require.NoError(t, err)
	deadline := time.Now().Add(time.Minute)
	f.handler.handleEndedCall(t.Context(), deadline, testApps[0], cb, nil)
	require.Equal(t, deadline.Add(-confirmBudget), got)

	req, err := NewProbe(relayID, probeKey, time.Now()).Request(t.Context(), "http://calls.example.com"+PathPrefix+relayPath, "")
	require.NoError(t, err)
	probe, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	got = time.Time{}
	require.Equal(t, http.StatusOK, f.handler.handleProbe(t.Context(), deadline, testApps[2], tencent.Callback{}, probe).status)
	require.Equal(t, deadline.Add(-confirmBudget), got)
}

// TestProbeOfTheGreatestAge is answered, and one of a second more is not.
func TestProbeOfTheGreatestAge(t *testing.T) {
	now := time.Unix(1741231300, 0)
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) { h.UseClock(func() time.Time { return now }) })
	for age, status := range map[time.Duration]int{
		tencent.MaxSignAge: http.StatusOK, -tencent.MaxSignAge: http.StatusOK, tencent.MaxSignAge + time.Second: http.StatusForbidden,
	} {
		w := f.probe(NewProbe(relayID, probeKey, now.Add(-age)), relayPath, "")
		require.Equal(t, status, w.Code, "%s: %s", age, w.Body)
	}
}
