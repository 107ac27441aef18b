package telemetry

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

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
