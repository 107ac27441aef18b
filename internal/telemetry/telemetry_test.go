package telemetry

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// TestDurationsAreReadable logs durations in both formats, alone and in groups.
func TestDurationsAreReadable(t *testing.T) {
	for format, want := range map[string]string{"json": `"took":"1.5s"`, "text": "took=1.5s"} {
		var out bytes.Buffer
		NewLogger(&out, format, slog.LevelInfo).Info("done", "took", 1500*time.Millisecond)
		require.Contains(t, out.String(), want)
	}
	var out bytes.Buffer
	NewLogger(&out, "json", slog.LevelInfo).Info("done", slog.Group("step", "took", 90*time.Second))
	require.Contains(t, out.String(), `"step":{"took":"1m30s"}`)
}

// TestTemporalLatencies: what takes 4 ms is not in the same bucket as what takes 4 s.
func TestTemporalLatencies(t *testing.T) {
	reg := prometheus.NewRegistry()
	metrics, err := TemporalMetrics(reg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	metrics.Timer("temporal_request_latency").Record(4 * time.Millisecond)
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != "temporal_request_latency_seconds" {
			continue
		}
		counts := map[float64]uint64{}
		for _, bucket := range family.GetMetric()[0].GetHistogram().GetBucket() {
			counts[bucket.GetUpperBound()] = bucket.GetCumulativeCount()
		}
		require.Zero(t, counts[.0025])
		require.EqualValues(t, 1, counts[.005])
		return
	}
	require.Fail(t, "no such metric")
}
