package harness

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// TestStagesOfACall reads a golden history.
func TestStagesOfACall(t *testing.T) {
	file, err := os.Open("../../../workflows/testdata/audio-61-s.json")
	require.NoError(t, err)
	defer file.Close()
	history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	m, err := readMoments(history.GetEvents())
	require.NoError(t, err)
	require.True(t, m.ordinary())
	ready := m.handedOut.Add(2 * time.Millisecond)
	stages := m.stages(m.started.Add(-3*time.Millisecond), ready, m.sent.Add(time.Millisecond))
	require.Len(t, stages, len(StageNames))
	require.Equal(t, 3*time.Millisecond, stages[0])
	require.Equal(t, 31_690_241*time.Nanosecond, stages[2])
	require.Equal(t, time.Millisecond, stages[3])
	require.Equal(t, 45_600_314*time.Nanosecond-36_188_013*time.Nanosecond, stages[4], "from when the record is ready")
	require.Equal(t, 1_431_246*time.Nanosecond, stages[5])
	for _, stage := range stages {
		require.Positive(t, stage)
	}
	var received time.Duration
	for _, stage := range stages[3:7] {
		received += stage
	}
	require.Equal(t, stages[7], received, "the stages make up the delay")

	m, err = readMoments(history.GetEvents()[:6])
	require.NoError(t, err)
	require.False(t, m.ordinary())
}

func TestSummaryOfStages(t *testing.T) {
	var s Stages
	for i := range 200 {
		call := make([]time.Duration, len(StageNames))
		call[1], call[7] = time.Millisecond, time.Duration(i+1)*time.Millisecond
		if i >= 198 {
			call[1] = 60 * time.Millisecond
		}
		s.Calls = append(s.Calls, call)
	}
	p, histogram, slowest := s.Summary(1)
	require.Equal(t, Percentiles{P50: time.Millisecond, P99: time.Millisecond, Max: 60 * time.Millisecond}, p)
	require.Equal(t, []int{198, 0, 0, 0, 0, 0, 2}, histogram)
	require.Equal(t, 60*time.Millisecond, slowest)
}
