package callback

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"aftercall/internal/tencent"
)

const (
	// refusalInterval is how often a refusal for the same reason is logged.
	refusalInterval = time.Minute
	// refusalBurst is how many are logged before the interval counts.
	refusalBurst = 3
	// maxRefusalReasons bounds the memory for reasons.
	maxRefusalReasons = 1000
)

// refusalReason is what refusals are counted by.
type refusalReason struct {
	status    int
	app, info string
}

// refusalLog logs why callbacks are refused. Whoever sends many of them for the
// same reason does not flood the log: what was left out is counted.
type refusalLog struct {
	logger *slog.Logger
	after  func(time.Duration, func())

	mu      sync.Mutex
	reasons map[refusalReason]*refusalCount
}

// refusalCount counts the refusals of a reason within an interval.
type refusalCount struct{ logged, leftOut int }

func newRefusalLog(logger *slog.Logger) *refusalLog {
	return &refusalLog{
		logger: logger, reasons: map[refusalReason]*refusalCount{},
		after: func(d time.Duration, f func()) { time.AfterFunc(d, f) },
	}
}

// log logs a refusal, or counts it.
func (l *refusalLog) log(r reply) {
	reason := refusalReason{r.status, r.app, r.answer.ErrorInfo}
	if l.admit(reason) {
		l.logger.Warn("callback refused", "status", reason.status, "app", reason.app, "error_info", reason.info)
	}
}

// admit reports whether a refusal is logged.
func (l *refusalLog) admit(reason refusalReason) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.reasons[reason]; !ok && len(l.reasons) >= maxRefusalReasons {
		reason = refusalReason{info: "various reasons"}
	}
	count, ok := l.reasons[reason]
	if !ok {
		count = &refusalCount{}
		l.reasons[reason] = count
		l.after(refusalInterval, func() { l.endInterval(reason) })
	}
	if count.logged == refusalBurst {
		count.leftOut++
		return false
	}
	count.logged++
	return true
}

// endInterval logs how many refusals of a reason were left out.
func (l *refusalLog) endInterval(reason refusalReason) {
	l.mu.Lock()
	leftOut := l.reasons[reason].leftOut
	delete(l.reasons, reason)
	l.mu.Unlock()
	if leftOut > 0 {
		l.logger.Warn("further callbacks refused for the same reason", "status", reason.status, "app", reason.app, "error_info", reason.info, "left_out", leftOut)
	}
}

// countDropped reports the fields that were left out of a callback's hint, without
// their values.
func (h *Handler) countDropped(ctx context.Context, app string, cb tencent.Callback) {
	if len(cb.Dropped) == 0 {
		return
	}
	for _, field := range cb.Dropped {
		h.metrics.dropped.WithLabelValues(app, field).Inc()
	}
	h.logger.WarnContext(ctx, "fields of a callback could not be read; the call record decides", "app", app, "call_id", cb.CallID, "fields", cb.Dropped)
}
