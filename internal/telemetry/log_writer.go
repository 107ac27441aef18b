package telemetry

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	// maxQueuedLines and maxQueuedBytes bound what waits for a slow reader.
	maxQueuedLines = 8192
	maxQueuedBytes = 16 << 20
	// maxLogWait is how long a line waits for a place in a full queue. If there is
	// none within it, the reader is stuck, and lines are dropped without a wait
	// until half of the queue has been read.
	maxLogWait = 200 * time.Millisecond
	// flushTimeout bounds Close: a reader that is stuck must not hold a shutdown up.
	flushTimeout = 3 * time.Second
)

var errLogNotFlushed = errors.New("log lines were not written before the end: nothing reads them")

// LogWriter writes log lines in the background, because a pipe that is not
// read would otherwise stop everything that logs. Lines that do not fit into its
// queue are dropped and counted. It is safe for concurrent use.
type LogWriter struct {
	out     io.Writer
	lines   chan []byte
	bytes   atomic.Int64 // in lines
	stuck   atomic.Bool
	dropped prometheus.Counter

	closed atomic.Bool
	close  chan struct{}
	ended  chan struct{}
}

// NewLogWriter returns a LogWriter to out. Close it at the end, to write what is
// in its queue.
func NewLogWriter(out io.Writer, reg prometheus.Registerer) *LogWriter {
	w := &LogWriter{
		out: out, lines: make(chan []byte, maxQueuedLines), close: make(chan struct{}), ended: make(chan struct{}),
		dropped: promauto.With(reg).NewCounter(prometheus.CounterOpts{
			Name: "aftercall_log_lines_dropped_total",
			Help: "Log lines that were dropped because what reads the log did not keep up.",
		}),
	}
	go w.run()
	return w
}

// Write takes one line, and never fails: what cannot be written is counted.
func (w *LogWriter) Write(line []byte) (int, error) {
	if w.closed.Load() || !w.queue(bytes.Clone(line)) {
		w.dropped.Inc()
	}
	return len(line), nil
}

func (w *LogWriter) queue(line []byte) bool {
	size := int64(len(line))
	if w.bytes.Add(size) > maxQueuedBytes {
		w.bytes.Add(-size)
		return false
	}
	select {
	case w.lines <- line:
		return true
	default:
	}
	if !w.stuck.Load() {
		timer := time.NewTimer(maxLogWait)
		defer timer.Stop()
		select {
		case w.lines <- line:
			return true
		case <-timer.C:
		}
		select { // the process may have been suspended until now
		case w.lines <- line:
			return true
		default:
			w.stuck.Store(true)
		}
	}
	w.bytes.Add(-size)
	return false
}

func (w *LogWriter) run() {
	defer close(w.ended)
	for {
		select {
		case line := <-w.lines:
			w.write(line)
			continue
		default:
		}
		select {
		case line := <-w.lines:
			w.write(line)
		case <-w.close:
			for len(w.lines) > 0 {
				w.write(<-w.lines)
			}
			return
		}
	}
}

func (w *LogWriter) write(line []byte) {
	if _, err := w.out.Write(line); err != nil {
		w.dropped.Inc()
	}
	w.bytes.Add(-int64(len(line)))
	if len(w.lines) < maxQueuedLines/2 {
		w.stuck.Store(false)
	}
}

// Close writes the lines in the queue, and gives up after some seconds if
// nothing reads them. Later lines are dropped.
func (w *LogWriter) Close() error {
	if w.closed.Swap(true) {
		return nil
	}
	close(w.close)
	select {
	case <-w.ended:
		return nil
	case <-time.After(flushTimeout):
		w.dropped.Add(float64(len(w.lines)))
		return errLogNotFlushed
	}
}
