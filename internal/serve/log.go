package serve

import (
	"log/slog"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// logInterval is how often a line of a kind is logged that strangers can cause.
const logInterval = time.Minute

// serverLog takes the lines of net/http. What clients do wrong is not worth
// more than debug; what is wrong here, such as too many open files or a panic,
// is an error.
type serverLog struct {
	listener string
	logger   *slog.Logger
	accept   *rate.Sometimes
	other    *rate.Sometimes
}

func newServerLog(listener string, logger *slog.Logger) *serverLog {
	return &serverLog{listener: listener, logger: logger, accept: sometimes(), other: sometimes()}
}

// sometimes allows a few lines, and then one each interval.
func sometimes() *rate.Sometimes { return &rate.Sometimes{First: 3, Interval: logInterval} }

// Write implements io.Writer for one line of net/http.
func (l *serverLog) Write(text []byte) (int, error) {
	line := strings.TrimSpace(string(text))
	switch {
	case strings.HasPrefix(line, "http: Accept error"):
		l.accept.Do(func() {
			l.logger.Error("connections cannot be accepted: if too many files are open, raise the limit of the process (ulimit -n)", "listener", l.listener, "error", line)
		})
	case strings.Contains(line, "panic serving"),
		strings.HasPrefix(line, "http: ") && !strings.HasPrefix(line, "http: TLS handshake error"):
		l.other.Do(func() { l.logger.Error("the HTTP server reports an error", "listener", l.listener, "error", line) })
	default:
		l.logger.Debug("a client caused an error", "listener", l.listener, "error", line)
	}
	return len(text), nil
}
