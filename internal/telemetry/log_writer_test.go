package telemetry

import (
	"bufio"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// pipe returns both ends of a pipe, which are closed after the test.
func pipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		reader.Close()
		writer.Close()
	})
	return reader, writer
}

// lines counts the lines that come out of a pipe.
func lines(reader *os.File) (n int) {
	for scanner := bufio.NewScanner(reader); scanner.Scan(); n++ {
	}
	return n
}

// TestPipeThatNothingReads logs more than the pipe and the queue hold, with
// nobody at the other end: it would never end if a line waited for a reader.
func TestPipeThatNothingReads(t *testing.T) {
	reader, writer := pipe(t)
	w := NewLogWriter(writer, prometheus.NewRegistry())
	logger := NewLogger(w, "json", slog.LevelInfo)
	const total = 3 * maxQueuedLines
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for i := range total / 3 {
				logger.Info("call accepted", "n", i)
			}
		})
	}
	wg.Wait()
	dropped := testutil.ToFloat64(w.dropped)
	require.Positive(t, dropped)

	// When it is read again, nothing more is dropped.
	counted := make(chan int, 1)
	go func() { counted <- lines(reader) }()
	require.Eventually(t, func() bool { return len(w.lines) == 0 }, 30*time.Second, time.Millisecond)
	logger.Info("and one more")
	require.NoError(t, w.Close())
	require.NoError(t, writer.Close())
	require.InDelta(t, dropped, testutil.ToFloat64(w.dropped), 0)
	require.Equal(t, total+1-int(dropped), <-counted, "what was not dropped is there")
}

func TestCloseWithoutReader(t *testing.T) {
	_, writer := pipe(t)
	w := NewLogWriter(writer, prometheus.NewRegistry())
	logger := NewLogger(w, "json", slog.LevelInfo)
	line := strings.Repeat("x", 1000)
	for range 200 { // more than a pipe holds
		logger.Info(line)
	}
	require.Zero(t, testutil.ToFloat64(w.dropped))
	require.ErrorIs(t, w.Close(), errLogNotFlushed)
	require.Positive(t, testutil.ToFloat64(w.dropped))
	logger.Info("after the end") // does not wait
}

func TestLinesOfAnyLengthAreBounded(t *testing.T) {
	_, writer := pipe(t)
	w := NewLogWriter(writer, prometheus.NewRegistry())
	line := []byte(strings.Repeat("x", 1<<20))
	for range 2 * maxQueuedBytes / len(line) {
		_, err := w.Write(line)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, w.bytes.Load(), int64(maxQueuedBytes))
	require.Positive(t, testutil.ToFloat64(w.dropped))
}

// TestNothingIsLost logs as fast as it can to a pipe that is read.
func TestNothingIsLost(t *testing.T) {
	reader, writer := pipe(t)
	counted := make(chan int, 1)
	go func() { counted <- lines(reader) }()
	w := NewLogWriter(writer, prometheus.NewRegistry())
	logger := NewLogger(w, "json", slog.LevelInfo)
	const total = 2 * maxQueuedLines
	for i := range total {
		logger.Info("call accepted", "n", i)
	}
	require.NoError(t, w.Close())
	require.NoError(t, w.Close(), "twice is once")
	require.NoError(t, writer.Close())
	require.Equal(t, total, <-counted)
	require.Zero(t, testutil.ToFloat64(w.dropped))
}
