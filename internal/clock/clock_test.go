package clock

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		remote, after time.Time
		want          Offset
		atLeast       time.Duration
	}{
		"at once":            {noon, noon, Offset{}, 0},
		"somewhere between":  {noon, noon.Add(4 * time.Second), Offset{2 * time.Second, 2 * time.Second}, 0},
		"the end":            {noon.Add(4 * time.Second), noon.Add(4 * time.Second), Offset{-2 * time.Second, 2 * time.Second}, 0},
		"ahead":              {noon.Add(-10 * time.Second), noon.Add(2 * time.Second), Offset{11 * time.Second, time.Second}, 10 * time.Second},
		"behind":             {noon.Add(10 * time.Second), noon.Add(2 * time.Second), Offset{-9 * time.Second, time.Second}, -8 * time.Second},
		"set back meanwhile": {noon.Add(-time.Hour), noon.Add(-time.Hour), Offset{90 * time.Minute, 30 * time.Minute}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			o := Compare(noon, c.remote, c.after)
			require.Equal(t, c.want, o)
			require.Equal(t, c.atLeast, o.AtLeast())
		})
	}
}

// TestCompareUsesTheWallClock compares readings whose monotonic part says something else.
func TestCompareUsesTheWallClock(t *testing.T) {
	now := time.Now()
	require.Equal(t, Offset{Ahead: time.Hour}, Compare(now, now.Round(0).Add(-time.Hour), now))
}

// world has a process whose clock is ahead of those of its sources.
type world struct {
	*Watch
	ahead, redisAhead atomic.Int64
	redisErr          error
	logs              *bytes.Buffer
	reg               *prometheus.Registry
}

func newWorld() *world {
	w := &world{logs: &bytes.Buffer{}, reg: prometheus.NewRegistry()}
	w.Watch = NewWatch(func() time.Time { return noon.Add(time.Duration(w.ahead.Load())) }, w.reg, slog.New(slog.NewTextHandler(w.logs, nil)),
		Source{"temporal", func(context.Context) (time.Time, error) { return noon, nil }},
		Source{"redis", func(context.Context) (time.Time, error) {
			return noon.Add(time.Duration(w.redisAhead.Load())), w.redisErr
		}})
	return w
}

func (w *world) measure(t *testing.T, ahead time.Duration) {
	t.Helper()
	w.ahead.Store(int64(ahead))
	w.Measure(t.Context())
}

func TestWatch(t *testing.T) {
	w := newWorld()
	require.Empty(t, w.Problem(), "nothing is known yet")
	w.measure(t, Tolerated)
	require.Empty(t, w.logs.String())
	require.Equal(t, noon, w.Now())

	w.measure(t, Tolerated+time.Millisecond)
	require.Contains(t, w.logs.String(), "WARN")
	require.Contains(t, w.logs.String(), "the clock of this machine is 2s ahead of that of temporal: "+Cure)
	require.Empty(t, w.Problem(), "only a warning")
	w.logs.Reset()
	w.measure(t, 3*time.Second)
	require.Empty(t, w.logs.String(), "it was said")

	w.measure(t, -10*time.Minute)
	require.Equal(t, "the clock of this machine is 10m0s behind the others: "+Cure, w.Problem())
	require.Equal(t, noon, w.Now())
	require.Equal(t, noon, w.NowOf("redis"))
	require.Contains(t, w.logs.String(), "10m0s behind that of redis")
	require.InDelta(t, -600, testutil.ToFloat64(w.gauge.WithLabelValues("temporal")), 0)

	w.logs.Reset()
	w.measure(t, 0)
	require.Empty(t, w.Problem())
	require.Contains(t, w.logs.String(), "agrees with that of temporal again")
	require.NotContains(t, w.logs.String(), "WARN")
}

// TestOneWrongSource is a matter of that source alone: the process works on.
func TestOneWrongSource(t *testing.T) {
	w := newWorld()
	w.redisAhead.Store(int64(time.Hour))
	w.measure(t, 0)
	require.Empty(t, w.Problem())
	require.Equal(t, noon, w.Now())
	require.Contains(t, w.logs.String(), "1h0m0s behind that of redis")
}

// TestOneSourceDown leaves one, which is believed.
func TestOneSourceDown(t *testing.T) {
	w := newWorld()
	w.redisErr = errors.New("redis is down")
	w.measure(t, 10*time.Minute)
	require.NotEmpty(t, w.Problem())
	require.Equal(t, noon, w.Now())
	require.Contains(t, w.logs.String(), "the clock of redis cannot be read")
	w.logs.Reset()
	w.measure(t, 10*time.Minute)
	require.Empty(t, w.logs.String(), "an outage is logged once")
}

func TestAwait(t *testing.T) {
	w := newWorld()
	require.True(t, w.Await(t.Context(), "temporal", true))
	wrong := make(chan bool)
	go func() { wrong <- w.Await(t.Context(), "temporal", false) }()
	w.measure(t, Wrong)
	require.Empty(t, wrong)
	w.measure(t, Wrong+time.Second)
	require.True(t, <-wrong)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, w.Await(ctx, "temporal", true))
	require.True(t, w.Await(t.Context(), "temporal", false))
}
